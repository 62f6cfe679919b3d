//! Every member of every command's request: left out, null, of every other type, and beside members that nobody knows.

use std::collections::BTreeSet;

use duolog::gateway::http::commands::{ALL, Command};
use serde_json::{Value, json};

use crate::harness::{Server, body, now, random, unused};

/// A request that succeeds, made anew for each try, because some can be made only once.
struct Case {
    command: &'static str,
    /// The members without which it fails, as JSON pointers.
    needed: &'static [&'static str],
    /// The member that may be one text instead of a list of them.
    one_or_many: Option<&'static str>,
    request: fn(&Server) -> Value,
}

const fn case(command: &'static str, needed: &'static [&'static str], request: fn(&Server) -> Value) -> Case {
    Case { command, needed, one_or_many: None, request }
}

/// One account each.
fn people<const N: usize>(server: &Server) -> [String; N] {
    server.accounts()
}

fn message(server: &Server) -> Value {
    let [alice, bob] = people(server);
    json!({"From_Account": alice, "To_Account": bob, "MsgRandom": random(), "MsgSeq": 7, "MsgBody": body("hi"),
        "CloudCustomData": "c"})
}

/// With what only the sending commands take.
fn delivered(server: &Server) -> Value {
    let mut request = message(server);
    let more = json!({"SyncOtherMachine": 1, "MsgLifeTime": 60, "OnlineOnlyFlag": 0, "MsgTimeStamp": now(),
        "SendMsgControl": ["NoUnread"], "ForbidCallbackControl": ["ForbidAfterSendMsgCallback"], "IsNeedReadReceipt": 0,
        "SupportMessageExtension": 0, "OfflinePushInfo": {"PushFlag": 0, "Title": "t", "Desc": "d", "Ext": "e",
            "AndroidInfo": {"Sound": "s"}, "ApnsInfo": {"BadgeMode": 0, "Title": "t"}}});
    request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    request
}

/// The key of a message from the first to the second, and the two.
fn sent(server: &Server) -> (String, String, String) {
    let [alice, bob] = people(server);
    (server.send(&alice, &bob, "hi"), alice, bob)
}

fn friends(server: &Server) -> [String; 2] {
    let [alice, bob] = people(server);
    let item = json!({"To_Account": bob, "AddSource": "AddSource_Type_Test"});
    server.ok("sns/friend_import", &json!({"From_Account": alice, "AddFriendItem": [item]}));
    [alice, bob]
}

fn accounts_and(server: &Server, more: Value) -> Value {
    let [alice, bob] = friends(server);
    let mut request = json!({"From_Account": alice, "To_Account": [bob]});
    request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    request
}

fn roam(names: [&str; 2], server: &Server) -> Value {
    let (key, alice, bob) = sent(server);
    json!({names[0]: alice, names[1]: bob, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9, "LastMsgKey": key})
}

fn push(_: &Server) -> Value {
    json!({"From_Account": "administrator", "MsgRandom": random(), "MsgSeq": 7, "MsgBody": body("all"),
        "CloudCustomData": "c", "MsgLifeTime": 60, "OfflinePushInfo": {"PushFlag": 1}, "Condition": {}})
}

static CASES: &[Case] = &[
    case(
        "im_open_login_svc/account_import",
        &["/UserID"],
        |_| json!({"UserID": unused(), "Nick": "n", "FaceUrl": "u"}),
    ),
    case("im_open_login_svc/account_import", &["/Identifier"], |_| json!({"Identifier": unused()})),
    case("im_open_login_svc/multiaccount_import", &["/Accounts", "/Accounts/0"], |_| json!({"Accounts": [unused()]})),
    case(
        "im_open_login_svc/multiaccount_import",
        &["/AccountList", "/AccountList/0", "/AccountList/0/UserID"],
        |_| json!({"AccountList": [{"UserID": unused(), "Nick": "n", "FaceUrl": "u"}]}),
    ),
    case(
        "im_open_login_svc/account_check",
        &["/CheckItem", "/CheckItem/0", "/CheckItem/0/UserID"],
        |_| json!({"CheckItem": [{"UserID": unused()}]}),
    ),
    case("im_open_login_svc/account_delete", &["/DeleteItem", "/DeleteItem/0", "/DeleteItem/0/UserID"], |server| {
        let [alice] = people(server);
        json!({"DeleteItem": [{"UserID": alice}]})
    }),
    case("im_open_login_svc/kick", &["/UserID"], |server| {
        let [alice] = people(server);
        json!({"UserID": alice})
    }),
    case("openim/sendmsg", &["/To_Account", "/MsgRandom", "/MsgBody", "/MsgBody/0"], delivered),
    case("openim/batchsendmsg", &["/To_Account", "/To_Account/0", "/MsgRandom", "/MsgBody", "/MsgBody/0"], |server| {
        let mut request = delivered(server);
        request["To_Account"] = json!([request["To_Account"]]);
        request
    }),
    case(
        "openim/importmsg",
        &[
            "/SyncFromOldSystem",
            "/From_Account",
            "/To_Account",
            "/MsgRandom",
            "/MsgTimeStamp",
            "/MsgBody",
            "/MsgBody/0",
        ],
        |server| {
            let mut request = message(server);
            (request["SyncFromOldSystem"], request["MsgTimeStamp"]) = (json!(1), json!(now() - 60));
            request
        },
    ),
    case(
        "openim/admin_getroammsg",
        &["/Operator_Account", "/Peer_Account", "/MaxCnt", "/MinTime", "/MaxTime"],
        |server| roam(["Operator_Account", "Peer_Account"], server),
    ),
    case("openim/admin_getroammsg", &["/From_Account", "/To_Account", "/MaxCnt", "/MinTime", "/MaxTime"], |server| {
        roam(["From_Account", "To_Account"], server)
    }),
    case("openim/admin_msgwithdraw", &["/From_Account", "/To_Account", "/MsgKey"], |server| {
        let (key, alice, bob) = sent(server);
        json!({"From_Account": alice, "To_Account": bob, "MsgKey": key})
    }),
    case("openim/admin_set_msg_read", &["/Report_Account", "/Peer_Account"], |server| {
        let (_, alice, bob) = sent(server);
        json!({"Report_Account": bob, "Peer_Account": alice, "MsgReadTime": now()})
    }),
    case("openim/get_c2c_unread_msg_num", &["/To_Account"], |server| {
        let (_, alice, bob) = sent(server);
        json!({"To_Account": bob, "Peer_Account": [alice]})
    }),
    case("openim/modify_c2c_msg", &["/From_Account", "/To_Account", "/MsgKey", "/MsgBody/0"], |server| {
        let (key, alice, bob) = sent(server);
        json!({"From_Account": alice, "To_Account": bob, "MsgKey": key, "MsgBody": body("new"), "CloudCustomData": "c"})
    }),
    case(
        "openim/c2c_msg_read_receipt",
        &["/Operator_Account", "/Peer_Account", "/C2CMsgInfo", "/C2CMsgInfo/0", "/C2CMsgInfo/0/MsgKey"],
        |server| {
            let (key, alice, bob) = sent(server);
            json!({"Operator_Account": bob, "Peer_Account": alice, "C2CMsgInfo": [{"MsgKey": key}]})
        },
    ),
    case(
        "openim/delete_c2c_msg_ramble",
        &["/Operator_Account", "/Peer_Account", "/MsgKeyList", "/MsgKeyList/0"],
        |server| {
            let (key, alice, bob) = sent(server);
            json!({"Operator_Account": bob, "Peer_Account": alice, "MsgKeyList": [key]})
        },
    ),
    case("openim/query_online_status", &["/To_Account", "/To_Account/0"], |server| {
        let [alice] = people(server);
        json!({"To_Account": [alice], "IsNeedDetail": 1})
    }),
    case("openim/querystate", &["/To_Account", "/To_Account/0"], |server| {
        let [alice] = people(server);
        json!({"To_Account": [alice]})
    }),
    case("all_member_push/im_push", &["/MsgRandom", "/MsgBody", "/MsgBody/0"], push),
    case("sns/black_list_add", &["/From_Account", "/To_Account", "/To_Account/0"], |server| {
        accounts_and(server, json!({}))
    }),
    case("sns/black_list_delete", &["/From_Account", "/To_Account", "/To_Account/0"], |server| {
        accounts_and(server, json!({}))
    }),
    case("sns/black_list_get", &["/From_Account", "/StartIndex", "/MaxLimited", "/LastSequence"], |server| {
        let [alice] = people(server);
        json!({"From_Account": alice, "StartIndex": 0, "MaxLimited": 9, "LastSequence": 0})
    }),
    case("sns/black_list_check", &["/From_Account", "/To_Account", "/To_Account/0", "/CheckType"], |server| {
        accounts_and(server, json!({"CheckType": "BlackCheckResult_Type_Single"}))
    }),
    case(
        "sns/friend_add",
        &[
            "/From_Account",
            "/AddFriendItem",
            "/AddFriendItem/0",
            "/AddFriendItem/0/To_Account",
            "/AddFriendItem/0/AddSource",
        ],
        |server| {
            let [alice, bob] = people(server);
            let item = json!({"To_Account": bob, "AddSource": "AddSource_Type_Test", "Remark": "r", "GroupName": "g",
                "AddWording": "w"});
            json!({"From_Account": alice, "AddFriendItem": [item], "AddType": "Add_Type_Both", "ForceAddFlags": 1})
        },
    ),
    Case {
        one_or_many: Some("/AddFriendItem/0/GroupName"),
        ..case(
            "sns/friend_import",
            &[
                "/From_Account",
                "/AddFriendItem",
                "/AddFriendItem/0",
                "/AddFriendItem/0/To_Account",
                "/AddFriendItem/0/AddSource",
                "/AddFriendItem/0/CustomItem/0/Tag",
                "/AddFriendItem/0/CustomItem/0/Value",
            ],
            |server| {
                let [alice, bob] = people(server);
                let item = json!({"To_Account": bob, "AddSource": "AddSource_Type_Test", "Remark": "r",
                    "GroupName": ["g"], "AddWording": "w",
                    "CustomItem": [{"Tag": "Tag_SNS_Custom_Met", "Value": "lake"}]});
                json!({"From_Account": alice, "AddFriendItem": [item]})
            },
        )
    },
    case(
        "sns/friend_update",
        &[
            "/From_Account",
            "/UpdateItem",
            "/UpdateItem/0",
            "/UpdateItem/0/To_Account",
            "/UpdateItem/0/SnsItem",
            "/UpdateItem/0/SnsItem/0/Tag",
            "/UpdateItem/0/SnsItem/0/Value",
            "/UpdateItem/0/SnsItem/1/Tag",
            "/UpdateItem/0/SnsItem/1/Value",
        ],
        |server| {
            let [alice, bob] = friends(server);
            let items =
                json!([{"Tag": "Tag_SNS_IM_Remark", "Value": "r"}, {"Tag": "Tag_SNS_IM_Group", "Value": ["g"]}]);
            json!({"From_Account": alice, "UpdateItem": [{"To_Account": bob, "SnsItem": items}]})
        },
    ),
    case("sns/friend_delete", &["/From_Account", "/To_Account", "/To_Account/0"], |server| {
        accounts_and(server, json!({"DeleteType": "Delete_Type_Both"}))
    }),
    case("sns/friend_delete_all", &["/From_Account"], |server| {
        let [alice] = people(server);
        json!({"From_Account": alice, "DeleteType": "Delete_Type_Single"})
    }),
    case("sns/friend_check", &["/From_Account", "/To_Account", "/To_Account/0", "/CheckType"], |server| {
        accounts_and(server, json!({"CheckType": "CheckResult_Type_Both"}))
    }),
    case("sns/friend_get", &["/From_Account", "/StartIndex"], |server| {
        let [alice] = people(server);
        json!({"From_Account": alice, "StartIndex": 0, "StandardSequence": 0, "CustomSequence": 0})
    }),
    case(
        "sns/friend_get_list",
        &["/From_Account", "/To_Account", "/To_Account/0", "/TagList", "/TagList/0"],
        |server| accounts_and(server, json!({"TagList": ["Tag_SNS_IM_Remark"]})),
    ),
    case("sns/group_add", &["/From_Account", "/GroupName", "/GroupName/0"], |server| {
        accounts_and(server, json!({"GroupName": ["g"]}))
    }),
    case("sns/group_delete", &["/From_Account", "/GroupName", "/GroupName/0"], |server| {
        let [alice] = people(server);
        json!({"From_Account": alice, "GroupName": ["g"]})
    }),
    case("sns/group_get", &["/From_Account"], |server| {
        let [alice] = people(server);
        json!({"From_Account": alice, "NeedFriend": "Need_Friend_Type_Yes", "LastSequence": 0, "GroupName": ["g"]})
    }),
    case(
        "profile/portrait_set",
        &[
            "/From_Account",
            "/ProfileItem",
            "/ProfileItem/0/Tag",
            "/ProfileItem/0/Value",
            "/ProfileItem/1/Tag",
            "/ProfileItem/1/Value",
        ],
        |server| {
            let [alice] = people(server);
            let items =
                json!([{"Tag": "Tag_Profile_IM_Nick", "Value": "n"}, {"Tag": "Tag_Profile_IM_Level", "Value": 1}]);
            json!({"From_Account": alice, "ProfileItem": items})
        },
    ),
    case("profile/portrait_get", &["/To_Account", "/To_Account/0", "/TagList", "/TagList/0"], |server| {
        let [alice] = people(server);
        json!({"To_Account": [alice], "TagList": ["Tag_Profile_IM_Nick"]})
    }),
    case(
        "recentcontact/get_list",
        &["/From_Account", "/TimeStamp", "/StartIndex", "/TopTimeStamp", "/TopStartIndex", "/AssistFlags"],
        |server| {
            let [alice] = people(server);
            json!({"From_Account": alice, "TimeStamp": 0, "StartIndex": 0, "TopTimeStamp": 0, "TopStartIndex": 0,
                "AssistFlags": 7})
        },
    ),
    case("recentcontact/delete", &["/From_Account", "/Type", "/To_Account"], |server| {
        let [alice, bob] = people(server);
        json!({"From_Account": alice, "Type": 1, "To_Account": bob, "ClearRamble": 1})
    }),
    case("openconfigsvr/setnospeaking", &["/Set_Account"], |server| {
        let [alice] = people(server);
        json!({"Set_Account": alice, "C2CmsgNospeakingTime": 60, "GroupmsgNospeakingTime": 60})
    }),
    case("openconfigsvr/getnospeaking", &["/Get_Account"], |server| {
        let [alice] = people(server);
        json!({"Get_Account": alice})
    }),
    case("ConfigSvc/GetIPList", &[], |_| json!({})),
];

/// What has no success here without an hour's wait (`records` sees it), and the other name of a command.
const ELSEWHERE: &[&str] = &["open_msg_svc/get_history", "openim/im_push"];

#[test]
fn every_command_has_a_request() {
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.command).chain(ELSEWHERE.iter().copied()).collect();
    assert_eq!(tried, ALL.iter().map(Command::name).collect());
    for case in CASES {
        let request = (case.request)(Server::shared());
        let named = case.needed.iter().chain(&case.one_or_many);
        named.for_each(|pointer| assert!(request.pointer(pointer).is_some(), "{}: {pointer}", case.command));
    }
}

#[test]
fn a_member_that_is_needed_is_missed_and_no_other_is() {
    // A push reaches all accounts, also those of other tests.
    let server = Server::start("");
    for case in CASES {
        for pointer in pointers(&(case.request)(&server)) {
            let needed = case.needed.contains(&&*pointer);
            let (mut without, mut null) = ((case.request)(&server), (case.request)(&server));
            remove(&mut without, &pointer);
            assert_eq!(
                failed(&server, case.command, &without),
                needed,
                "{} without {pointer}: {without}",
                case.command
            );
            *null.pointer_mut(&pointer).expect("it is there") = Value::Null;
            let needed = needed || is_item(&pointer);
            assert_eq!(failed(&server, case.command, &null), needed, "{}, {pointer} is null: {null}", case.command);
        }
    }
}

#[test]
fn a_member_of_another_type_is_refused() {
    let server = Server::start("");
    let others =
        [json!(true), json!("x"), json!(1.5), json!(-1), json!(1e30), json!([[]]), json!([{}]), json!({"a": [1]})];
    for case in CASES {
        for pointer in pointers(&(case.request)(&server)) {
            for other in &others {
                let mut request = (case.request)(&server);
                let member = request.pointer_mut(&pointer).expect("it is there");
                let is_one = other.is_string() && case.one_or_many == Some(&*pointer);
                if is_one || (member.is_string() && other.is_string()) || (member.is_object() && other.is_object()) {
                    continue;
                }
                *member = other.clone();
                let failed = failed(&server, case.command, &request);
                assert!(failed, "{}, {pointer} is {other}: {request}", case.command);
            }
        }
    }
}

#[test]
fn members_that_nobody_knows_change_nothing() {
    let server = Server::start("");
    for case in CASES {
        let mut request = (case.request)(&server);
        add_unknown(&mut request);
        assert!(!failed(&server, case.command, &request), "{}: {request}", case.command);
    }
}

/// The members of a request and of its items, but not what is inside of messages.
fn pointers(request: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), request)];
    while let Some((pointer, value)) = open.pop() {
        let mut add = |name: &str, value| {
            let pointer = format!("{pointer}/{name}");
            found.push(pointer.clone());
            if !["MsgBody", "OfflinePushInfo", "Condition"].contains(&name) {
                open.push((pointer, value));
            }
        };
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| add(name, value)),
            Value::Array(items) => items.iter().enumerate().for_each(|(place, item)| add(&place.to_string(), item)),
            _ => {}
        }
    }
    found
}

fn remove(request: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    match request.pointer_mut(parent).expect("it is there") {
        Value::Object(members) => drop(members.remove(name)),
        Value::Array(items) => drop(items.remove(name.parse().expect("a place"))),
        _ => unreachable!("it has members"),
    }
}

/// Whether it points to an item of a list.
fn is_item(pointer: &str) -> bool {
    pointer.rsplit('/').next().is_some_and(|name| name.parse::<usize>().is_ok())
}

fn add_unknown(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(add_unknown);
            members.insert("Unknown".to_owned(), json!({"a": [null, 1.5, "\u{1F600}"]}));
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown),
        _ => {}
    }
}

/// Whether a call, or anything of it, fails; if so, with a code that the table names.
fn failed(server: &Server, command: &str, request: &Value) -> bool {
    let mut reply = server.call(command, request);
    // The push before was less than a second ago; in between there is nothing to see.
    while reply["ErrorCode"] == 90024 {
        reply = server.call(command, request);
    }
    let row = ALL.iter().find(|row| row.name() == command).expect("a command");
    let code = reply["ErrorCode"].as_u64().and_then(|code| u32::try_from(code).ok()).expect("a code");
    assert!(code == 0 || row.codes.contains(&code), "{command} {request} -> {reply}");
    let items = reply.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_array()).flatten();
    let mut codes = items.filter_map(|item| item.get("ResultCode").or(item.get("ErrorCode"))?.as_u64());
    let lists = ["FailAccounts", "InvalidMsgKeyList"].map(|name| reply[name].as_array().map_or(0, Vec::len));
    code != 0 || codes.any(|code| code != 0) || lists != [0, 0]
}
