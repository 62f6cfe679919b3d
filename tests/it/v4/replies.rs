//! What a reply of each command looks like to a client with strict types: which members it has, of which type, and when one
//! may be missing. Every reply in these tests is held against this table, by [`check`].

use std::collections::BTreeSet;

use duolog::gateway::http::commands::ALL;
use serde_json::{Map, Value, json};

/// The largest whole number that every JSON reader takes.
const SAFE: u64 = (1 << 53) - 1;

enum Shape {
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// Below 2^53 and not negative.
    Number,
    /// Below 2^32.
    U32,
    /// 0 or 1.
    Flag,
    /// An element of a message's body.
    Element,
    /// What a tag holds: a text, a number or a list of texts.
    TagValue,
    List(&'static Shape),
    /// A list that is left out rather than empty.
    Filled(&'static Shape),
    Object(&'static [Member]),
}

struct Member {
    name: &'static str,
    always: bool,
    shape: Shape,
}

const fn always(name: &'static str, shape: Shape) -> Member {
    Member { name, always: true, shape }
}

const fn sometimes(name: &'static str, shape: Shape) -> Member {
    Member { name, always: false, shape }
}

use Shape::{Element, Filled, Flag, List, Number, Object, TagValue, Text, U32, Word};

const TO: Member = always("To_Account", Text);
const CODE: Member = always("ResultCode", U32);
const INFO: Member = always("ResultInfo", Text);
const FAILED: Member = sometimes("Fail_Account", Filled(&Text));
const ERRORS: Member = sometimes("ErrorList", Filled(&Object(&[TO, always("ErrorCode", U32)])));
const STATES: Shape = Word(&["Online", "PushOnline", "Offline"]);
const RELATIONS: &[Member] = &[
    TO,
    always(
        "Relation",
        Word(&[
            "CheckResult_Type_BothWay",
            "CheckResult_Type_AWithB",
            "CheckResult_Type_BWithA",
            "CheckResult_Type_NoRelation",
        ]),
    ),
    CODE,
    INFO,
];
const BLOCKS: &[Member] = &[
    TO,
    always(
        "Relation",
        Word(&[
            "BlackCheckResult_Type_BothWay",
            "BlackCheckResult_Type_AWithB",
            "BlackCheckResult_Type_BWithA",
            "BlackCheckResult_Type_NO",
        ]),
    ),
    CODE,
    INFO,
];
const TAG: Shape = Object(&[always("Tag", Text), always("Value", TagValue)]);
const MESSAGE: &[Member] = &[
    always("From_Account", Text),
    TO,
    always("MsgSeq", U32),
    always("MsgRandom", U32),
    always("MsgTimeStamp", U32),
    always("MsgClientTime", U32),
    always("MsgFlagBits", U32),
    always("IsPeerRead", Flag),
    always("MsgKey", Text),
    always("MsgBody", List(&Element)),
    always("CloudCustomData", Text),
];

const PLAIN: &[Member] = &[];
const SENT: &[Member] = &[always("MsgTime", U32), always("MsgKey", Text), always("MsgId", Text)];
const SENT_TO_MANY: &[Member] = &[always("MsgTime", U32), always("MsgKey", Text), always("MsgId", Text), ERRORS];
const PUSHED: &[Member] = &[always("TaskId", Text)];
const RESULTS: &[Member] = &[always("ResultItem", List(&Object(&[TO, CODE, INFO]))), FAILED];
const STATUS: &[Member] = &[
    always(
        "QueryResult",
        List(&Object(&[
            TO,
            always("Status", STATES),
            always("State", STATES),
            sometimes("Detail", Filled(&Object(&[always("Platform", PLATFORM), always("Status", STATES)]))),
        ])),
    ),
    ERRORS,
];
const PLATFORM: Shape = Word(&["iPhone", "Android", "Web", "PC", "iPad", "Mac"]);

/// The members of a success, besides those that every reply has.
const REPLIES: &[(&str, &[Member])] = &[
    ("im_open_login_svc/account_import", PLAIN),
    ("im_open_login_svc/multiaccount_import", &[always("FailAccounts", List(&Text))]),
    (
        "im_open_login_svc/account_check",
        &[always(
            "ResultItem",
            List(&Object(&[
                always("UserID", Text),
                CODE,
                INFO,
                always("AccountStatus", Word(&["Imported", "NotImported"])),
            ])),
        )],
    ),
    ("im_open_login_svc/account_delete", &[always("ResultItem", List(&Object(&[always("UserID", Text), CODE, INFO])))]),
    ("im_open_login_svc/kick", PLAIN),
    ("openim/sendmsg", SENT),
    ("openim/batchsendmsg", SENT_TO_MANY),
    ("openim/importmsg", PLAIN),
    (
        "openim/admin_getroammsg",
        &[
            always("Complete", Flag),
            always("MsgCnt", U32),
            always("LastMsgTime", U32),
            always("LastMsgKey", Text),
            always("MsgList", List(&Object(MESSAGE))),
        ],
    ),
    ("openim/admin_msgwithdraw", PLAIN),
    ("openim/admin_set_msg_read", PLAIN),
    (
        "openim/get_c2c_unread_msg_num",
        &[
            sometimes("AllC2CUnreadMsgNum", U32),
            sometimes(
                "C2CUnreadMsgNumList",
                List(&Object(&[always("Peer_Account", Text), always("C2CUnreadMsgNum", U32)])),
            ),
            sometimes("ErrorList", Filled(&Object(&[always("Peer_Account", Text), always("ErrorCode", U32)]))),
        ],
    ),
    ("openim/modify_c2c_msg", PLAIN),
    ("openim/c2c_msg_read_receipt", PLAIN),
    ("openim/delete_c2c_msg_ramble", &[sometimes("InvalidMsgKeyList", Filled(&Text))]),
    ("openim/query_online_status", STATUS),
    ("openim/querystate", STATUS),
    ("openim/im_push", PUSHED),
    ("all_member_push/im_push", PUSHED),
    ("sns/black_list_add", RESULTS),
    ("sns/black_list_delete", RESULTS),
    (
        "sns/black_list_get",
        &[
            always("BlackListItem", List(&Object(&[TO, always("AddBlackTimeStamp", U32)]))),
            always("StartIndex", U32),
            always("CurruentSequence", U32),
        ],
    ),
    ("sns/black_list_check", &[always("BlackListCheckItem", List(&Object(BLOCKS))), FAILED]),
    ("sns/friend_add", RESULTS),
    ("sns/friend_import", RESULTS),
    ("sns/friend_update", RESULTS),
    ("sns/friend_delete", RESULTS),
    ("sns/friend_delete_all", PLAIN),
    ("sns/friend_check", &[always("InfoItem", List(&Object(RELATIONS))), FAILED]),
    (
        "sns/friend_get",
        &[
            always("UserDataItem", List(&Object(&[TO, always("ValueItem", List(&TAG))]))),
            always("StandardSequence", U32),
            always("CustomSequence", U32),
            always("FriendNum", U32),
            always("CompleteFlag", Flag),
            always("NextStartIndex", U32),
        ],
    ),
    (
        "sns/friend_get_list",
        &[always("InfoItem", List(&Object(&[TO, always("SnsProfileItem", List(&TAG)), CODE, INFO]))), FAILED],
    ),
    (
        "sns/group_add",
        &[always("ResultItem", List(&Object(&[TO, CODE, INFO]))), FAILED, always("CurrentSequence", U32)],
    ),
    ("sns/group_delete", &[always("CurrentSequence", U32)]),
    (
        "sns/group_get",
        &[
            always(
                "ResultItem",
                List(&Object(&[
                    always("GroupName", Text),
                    always("FriendNumber", U32),
                    sometimes("To_Account", List(&Text)),
                ])),
            ),
            always("CurrentSequence", U32),
        ],
    ),
    ("profile/portrait_set", PLAIN),
    (
        "profile/portrait_get",
        &[always("UserProfileItem", List(&Object(&[TO, always("ProfileItem", List(&TAG)), CODE, INFO]))), FAILED],
    ),
    (
        "recentcontact/get_list",
        &[
            always(
                "SessionItem",
                List(&Object(&[always("Type", U32), TO, always("MsgTime", U32), always("TopFlag", Flag)])),
            ),
            always("CompleteFlag", Flag),
            always("TimeStamp", U32),
            always("StartIndex", U32),
            always("TopTimeStamp", U32),
            always("TopStartIndex", U32),
        ],
    ),
    ("recentcontact/delete", PLAIN),
    ("openconfigsvr/setnospeaking", PLAIN),
    ("openconfigsvr/getnospeaking", &[always("C2CmsgNospeakingTime", U32), always("GroupmsgNospeakingTime", U32)]),
    (
        "open_msg_svc/get_history",
        &[always(
            "File",
            List(&Object(&[
                always("URL", Text),
                always("ExpireTime", Text),
                always("FileSize", Number),
                always("FileMD5", Text),
                always("GzipSize", Number),
                always("GzipMD5", Text),
            ])),
        )],
    ),
    ("ConfigSvc/GetIPList", &[always("IPList", List(&Text))]),
];

/// The members that every reply has.
const HEAD: &[Member] =
    &[always("ActionStatus", Word(&["OK", "SomeError", "FAIL"])), always("ErrorCode", U32), always("ErrorInfo", Text)];

/// Checks a reply of a command, one that there need not be.
pub fn check(command: &str, reply: &Value) {
    if let Err(why) = fits(command, reply) {
        panic!("{command}: {why} in {reply}");
    }
}

fn fits(command: &str, reply: &Value) -> Result<(), String> {
    let mut members = reply.as_object().ok_or("no object")?.clone();
    take(&mut members, HEAD, true)?;
    let failed = reply["ErrorCode"] != 0;
    if failed != (reply["ActionStatus"] == "FAIL") {
        return Err("a status that does not fit the code".to_owned());
    }
    if ["sns/", "profile/", "recentcontact/"].iter().any(|service| command.starts_with(service)) {
        take(&mut members, &[always("ErrorDisplay", Text)], true)?;
    }
    let own = REPLIES.iter().find(|(name, _)| *name == command).map_or(PLAIN, |(_, own)| own);
    take(&mut members, own, !failed)?;
    match members.keys().next() {
        Some(name) => Err(format!("{name}, which nobody knows of,")),
        None => Ok(()),
    }
}

/// Takes the members out; with `complete` those that are always there have to be.
fn take(members: &mut Map<String, Value>, shapes: &[Member], complete: bool) -> Result<(), String> {
    for member in shapes {
        match members.remove(member.name) {
            Some(value) if member.shape.holds(&value) => {}
            Some(value) => return Err(format!("{}, which is {value},", member.name)),
            None if member.always && complete => return Err(format!("no {}", member.name)),
            None => {}
        }
    }
    Ok(())
}

impl Shape {
    fn holds(&self, value: &Value) -> bool {
        let all = |shape: &Self| value.as_array().is_some_and(|items| items.iter().all(|item| shape.holds(item)));
        match self {
            Self::Text => value.is_string(),
            Self::Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Self::Number => value.as_u64().is_some_and(|number| number <= SAFE),
            Self::U32 => value.as_u64().is_some_and(|number| number <= u64::from(u32::MAX)),
            Self::Flag => value.as_u64().is_some_and(|number| number <= 1),
            Self::Element => value["MsgType"].is_string() && value["MsgContent"].is_object(),
            Self::TagValue => value.is_string() || value.is_u64() || all(&Text),
            Self::List(item) => all(item),
            Self::Filled(item) => all(item) && value != &json!([]),
            Self::Object(shapes) => value.as_object().is_some_and(|members| {
                let mut members = members.clone();
                take(&mut members, shapes, true).is_ok() && members.is_empty()
            }),
        }
    }
}

#[test]
fn every_command_has_the_shape_of_its_reply() {
    let known: BTreeSet<&str> = REPLIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, ALL.iter().map(duolog::gateway::http::commands::Command::name).collect());
    assert_eq!(known.len(), REPLIES.len(), "none twice");
    for row in ALL {
        let (_, members) = REPLIES.iter().find(|(name, _)| *name == row.name()).expect("it is there");
        let has = |page: &&str| members.iter().any(|member| member.always && member.name == *page);
        assert!(row.pages.iter().all(has), "{} says how to go on, in every reply", row.name());
    }
}

#[test]
fn what_a_strict_client_stumbles_over_is_found() {
    let ok = json!({"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": ""});
    let with = |member: &str, value: Value| {
        let mut reply = ok.clone();
        reply[member] = value;
        reply
    };
    for (command, reply, fine) in [
        ("openim/importmsg", ok.clone(), true),
        ("openim/importmsg", with("New", json!(1)), false),
        ("openim/importmsg", with("ErrorCode", json!("0")), false),
        ("openim/importmsg", with("ErrorCode", json!(1)), false),
        ("sns/friend_delete_all", ok.clone(), false),
        ("sns/friend_delete_all", with("ErrorDisplay", json!("")), true),
        ("all_member_push/im_push", ok.clone(), false),
        ("all_member_push/im_push", with("TaskId", json!(1)), false),
        ("all_member_push/im_push", with("TaskId", json!("1")), true),
        ("openim/delete_c2c_msg_ramble", with("InvalidMsgKeyList", json!([])), false),
        ("ConfigSvc/GetIPList", with("IPList", json!(["::1"])), true),
        ("ConfigSvc/GetIPList", with("IPList", json!([1])), false),
        ("im_open_login_svc/account_delete", with("ResultItem", json!([{"UserID": "a", "ResultCode": 0}])), false),
        ("nothing/here", json!({"ActionStatus": "FAIL", "ErrorCode": 60009, "ErrorInfo": "no"}), true),
    ] {
        assert_eq!(fits(command, &reply).is_ok(), fine, "{command} {reply}");
    }
}
