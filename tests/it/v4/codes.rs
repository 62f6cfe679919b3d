//! Every code that a command says it answers, answered: the table of commands, seen from outside.

use std::collections::BTreeSet;

use duolog::gateway::http::commands::ALL;
use serde_json::{Value, json};

use crate::harness::{Server, body, now, random, unused};

/// What needs time to pass: a hundred seconds for 90047, which the engine's own test sees under a clock of its own, and an
/// hour for a record file, which `records` closes.
const ELSEWHERE: &[(&str, u64)] =
    &[("all_member_push/im_push", 90047), ("openim/im_push", 90047), ("open_msg_svc/get_history", 0)];

/// What lists its failures without a code beside them.
const LIST_FAILURES: &[&str] = &["im_open_login_svc/multiaccount_import", "openim/delete_c2c_msg_ramble"];

/// Calls commands and remembers what they answered.
struct Calls {
    server: Server,
    /// (command, code), and (command, code beside an account).
    seen: BTreeSet<(String, u64)>,
    seen_each: BTreeSet<(String, u64)>,
    /// Commands of which a part failed while another succeeded.
    in_part: BTreeSet<String>,
}

impl Calls {
    /// A call and its code.
    fn call(&mut self, command: &str, request: &Value, code: u64) -> Value {
        let reply = self.server.call(command, request);
        assert_eq!(reply["ErrorCode"], code, "{command} {request} -> {reply}");
        self.seen.insert((command.to_owned(), code));
        for code in each(&reply) {
            self.seen_each.insert((command.to_owned(), code));
        }
        if failed_in_part(&reply) {
            self.in_part.insert(command.to_owned());
        }
        reply
    }

    /// The request with one member changed, or without it where the value is null.
    fn wrong(&mut self, command: &str, request: &Value, changes: &[(&str, Value, u64)]) {
        for (member, value, code) in changes {
            let mut request = request.clone();
            match value {
                Value::Null => drop(request.as_object_mut().expect("an object").remove(*member)),
                value => request[*member] = value.clone(),
            }
            self.call(command, &request, *code);
        }
    }

    /// A batch that succeeds as a whole, with these codes beside its accounts, in their order, without those that are 0.
    fn batch(&mut self, command: &str, request: &Value, codes: &[u64]) {
        let reply = self.call(command, request, 0);
        assert_eq!(each(&reply), codes, "{command} {request} -> {reply}");
    }

    fn profile(&mut self, account: &str, tag: &str, value: &str) {
        let item = json!({"Tag": tag, "Value": value});
        self.call("profile/portrait_set", &json!({"From_Account": account, "ProfileItem": [item]}), 0);
    }
}

/// Whether some of what was asked for failed and the rest did not.
fn failed_in_part(reply: &Value) -> bool {
    let items = reply.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_array()).flatten();
    let codes: Vec<u64> = items.filter_map(|item| item["ResultCode"].as_u64()).collect();
    let lists =
        ["ErrorList", "FailAccounts", "InvalidMsgKeyList"].map(|list| reply[list].as_array().map_or(0, Vec::len));
    reply["ErrorCode"] == 0 && ((codes.contains(&0) && codes.iter().any(|code| *code != 0)) || lists != [0; 3])
}

/// The codes beside single accounts, other than 0.
fn each(reply: &Value) -> Vec<u64> {
    let lists = reply.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_array());
    let codes = lists.flatten().filter_map(|item| item.get("ResultCode").or(item.get("ErrorCode"))?.as_u64());
    codes.filter(|code| *code != 0).collect()
}

#[test]
fn every_command_answers_the_codes_of_the_table_and_no_others() {
    let mut calls = Calls {
        server: Server::start(""),
        seen: BTreeSet::new(),
        seen_each: BTreeSet::new(),
        in_part: BTreeSet::new(),
    };
    accounts(&mut calls);
    sending(&mut calls);
    messages(&mut calls);
    pushes(&mut calls);
    blacklist(&mut calls);
    friends(&mut calls);
    full_lists(&mut calls);
    groups(&mut calls);
    others(&mut calls);
    for row in ALL {
        let of = |seen: &BTreeSet<(String, u64)>| -> BTreeSet<u64> {
            seen.iter().filter(|(command, code)| command == row.name() && *code != 0).map(|(_, code)| *code).collect()
        };
        let succeeded = calls.seen.contains(&(row.name().to_owned(), 0)) || ELSEWHERE.contains(&(row.name(), 0));
        assert!(succeeded, "{} never succeeded", row.name());
        let elsewhere =
            ELSEWHERE.iter().filter(|(name, code)| *name == row.name() && *code != 0).map(|(_, code)| *code);
        let seen: BTreeSet<u64> = of(&calls.seen).into_iter().chain(elsewhere).collect();
        assert_eq!(seen, row.codes.iter().map(|code| u64::from(*code)).collect(), "{}", row.name());
        let lists_failures = !row.each.is_empty() || LIST_FAILURES.contains(&row.name());
        assert_eq!(calls.in_part.contains(row.name()), lists_failures, "{}, in part", row.name());
        let beside: BTreeSet<u64> = row.each.iter().map(|code| u64::from(*code)).collect();
        assert_eq!(of(&calls.seen_each), beside, "{}, beside accounts", row.name());
    }
}

fn many(count: usize, item: &Value) -> Value {
    Value::Array(vec![item.clone(); count])
}

fn accounts(calls: &mut Calls) {
    let [alice] = calls.server.accounts();
    let unknown = unused();
    for (name, member) in [("UserID", "UserID"), ("Identifier", "Identifier")] {
        calls.call("im_open_login_svc/account_import", &json!({name: alice, "Nick": "n", "Extra": {"a": [1]}}), 0);
        calls.call("im_open_login_svc/kick", &json!({member: alice}), 0);
    }
    calls.wrong(
        "im_open_login_svc/account_import",
        &json!({"UserID": alice}),
        &[("UserID", json!(null), 70402), ("UserID", json!("x".repeat(33)), 70402), ("Nick", json!(1), 70402)],
    );
    calls.wrong(
        "im_open_login_svc/kick",
        &json!({"UserID": unknown}),
        &[("UserID", json!(unknown), 70107), ("UserID", json!(1), 70402)],
    );
    let reply = calls.call("im_open_login_svc/multiaccount_import", &json!({"Accounts": [alice, "é"]}), 0);
    assert_eq!(reply["FailAccounts"], json!(["é"]));
    calls.wrong(
        "im_open_login_svc/multiaccount_import",
        &json!({}),
        &[
            ("Accounts", json!(null), 70402),
            ("Accounts", many(101, &json!("a")), 70206),
            ("AccountList", json!([{"Nick": "n"}]), 70402),
        ],
    );
    for (command, list) in [("account_check", "CheckItem"), ("account_delete", "DeleteItem")] {
        calls.wrong(
            &format!("im_open_login_svc/{command}"),
            &json!({}),
            &[
                (list, json!(null), 70402),
                (list, json!([]), 70206),
                (list, many(101, &json!({"UserID": "a"})), 70206),
                (list, json!([{"UserID": 1}]), 70402),
            ],
        );
    }
    let items = json!([{"UserID": alice}, {"UserID": unknown}, {"UserID": "é"}]);
    calls.batch("im_open_login_svc/account_check", &json!({"CheckItem": items}), &[70402]);
    let items = json!([{"UserID": unknown}, {"UserID": "é"}, {"UserID": "administrator"}, {"UserID": alice}]);
    calls.batch("im_open_login_svc/account_delete", &json!({"DeleteItem": items}), &[70107, 70402, 71000]);
}

/// What is wrong in the members that sending commands have in common.
fn wrong_body(too_long: u64) -> Vec<(&'static str, Value, u64)> {
    vec![
        ("MsgRandom", json!("1"), 90005),
        ("MsgBody", json!(null), 90002),
        ("MsgBody", json!("x"), 90007),
        ("MsgBody", json!([{"MsgType": "TIMTextElem", "MsgContent": {}}]), 90010),
        ("MsgBody", body(&"x".repeat(8_200)), too_long),
        ("From_Account", json!(unused()), 90008),
        ("CloudCustomData", json!(1), 90001),
    ]
}

fn wrong_delivery() -> Vec<(&'static str, Value, u64)> {
    vec![
        ("MsgTimeStamp", json!("x"), 90006),
        ("SyncOtherMachine", json!(3), 90031),
        ("OfflinePushInfo", json!(1), 90043),
        ("MsgLifeTime", json!("x"), 90044),
    ]
}

fn sending(calls: &mut Calls) {
    let [alice, bob] = calls.server.accounts();
    let unknown = unused();
    let message =
        |to: Value| json!({"From_Account": alice, "To_Account": to, "MsgRandom": random(), "MsgBody": body("hi")});
    calls.call("openim/sendmsg", &message(json!(bob)), 0);
    calls.wrong("openim/sendmsg", &message(json!(bob)), &[wrong_body(80002), wrong_delivery()].concat());
    calls.wrong("openim/sendmsg", &message(json!(bob)), &[("To_Account", json!(unknown), 90003)]);

    let to = json!([bob, unknown]);
    calls.batch("openim/batchsendmsg", &message(to.clone()), &[70107]);
    calls.wrong("openim/batchsendmsg", &message(to.clone()), &[wrong_body(90055), wrong_delivery()].concat());
    calls.wrong(
        "openim/batchsendmsg",
        &message(to),
        &[
            ("To_Account", json!(bob), 90003),
            ("To_Account", many(501, &json!(bob)), 90011),
            ("To_Account", json!([unknown]), 90012),
        ],
    );

    let mut import = message(json!(bob));
    import
        .as_object_mut()
        .expect("an object")
        .extend([("SyncFromOldSystem".to_owned(), json!(1)), ("MsgTimeStamp".to_owned(), json!(now() - 60))]);
    calls.call("openim/importmsg", &import, 0);
    calls.wrong("openim/importmsg", &import, &wrong_body(80002));
    calls.wrong(
        "openim/importmsg",
        &import,
        &[
            ("SyncFromOldSystem", json!(7), 90030),
            ("MsgTimeStamp", json!(now() + 600), 90006),
            ("To_Account", json!(unknown), 90003),
        ],
    );
}

fn messages(calls: &mut Calls) {
    let [alice, bob] = calls.server.accounts();
    let unknown = unused();
    let key = calls.server.send(&alice, &bob, "one");
    let pair = json!({"From_Account": alice, "To_Account": bob, "MsgKey": key});
    let wrong_pair = [
        ("From_Account", json!(1), 90008),
        ("To_Account", json!(1), 90003),
        ("MsgKey", json!("1_2"), 90054),
        ("MsgKey", json!("1_2_3"), 20022),
    ];
    let modified = json!({"From_Account": alice, "To_Account": bob, "MsgKey": key, "CloudCustomData": "c"});
    calls.call("openim/modify_c2c_msg", &modified, 0);
    calls.wrong("openim/modify_c2c_msg", &modified, &wrong_pair);
    calls.wrong(
        "openim/modify_c2c_msg",
        &modified,
        &[
            ("CloudCustomData", json!(null), 90002),
            ("CloudCustomData", json!(1), 90001),
            ("CloudCustomData", json!("x".repeat(8_200)), 80002),
            ("MsgBody", json!("x"), 90007),
            ("MsgBody", json!([1]), 90010),
        ],
    );
    let actor = json!({"Operator_Account": bob, "Peer_Account": alice, "MsgKeyList": [key]});
    let wrong_actor = [
        ("Operator_Account", json!(unknown), 90008),
        ("Peer_Account", json!(null), 90003),
        ("MsgKeyList", json!(null), 90001),
        ("MsgKeyList", json!(["x"]), 90054),
    ];
    let receipt = json!({"Operator_Account": bob, "Peer_Account": alice, "C2CMsgInfo": [{"MsgKey": key}]});
    calls.call("openim/c2c_msg_read_receipt", &receipt, 0);
    calls.wrong("openim/c2c_msg_read_receipt", &actor, &wrong_actor);
    calls.wrong("openim/c2c_msg_read_receipt", &actor, &[("MsgKeyList", json!(["1_2_3"]), 20022)]);
    calls.call("openim/admin_msgwithdraw", &pair, 0);
    calls.call("openim/admin_msgwithdraw", &pair, 20023);
    calls.call("openim/modify_c2c_msg", &modified, 20023);
    calls.wrong("openim/admin_msgwithdraw", &pair, &wrong_pair);
    let reply = calls.call("openim/delete_c2c_msg_ramble", &actor, 0);
    assert!(reply.get("InvalidMsgKeyList").is_none());
    let reply = calls.call("openim/delete_c2c_msg_ramble", &actor, 0);
    assert_eq!(reply["InvalidMsgKeyList"], json!([key]), "it is gone");
    calls.wrong("openim/delete_c2c_msg_ramble", &actor, &wrong_actor);
    reading(calls, &alice, &bob);
}

fn reading(calls: &mut Calls, alice: &str, bob: &str) {
    let unknown = unused();
    let roam = json!({"Operator_Account": alice, "Peer_Account": bob, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9});
    calls.call("openim/admin_getroammsg", &roam, 0);
    calls.wrong(
        "openim/admin_getroammsg",
        &roam,
        &[
            ("Operator_Account", json!(unknown), 90008),
            ("Peer_Account", json!(null), 90003),
            ("MaxCnt", json!("9"), 90001),
            ("LastMsgKey", json!("x"), 90054),
        ],
    );
    let read = json!({"Report_Account": bob, "Peer_Account": alice, "MsgReadTime": now().to_string()});
    calls.call("openim/admin_set_msg_read", &read, 0);
    calls.wrong(
        "openim/admin_set_msg_read",
        &read,
        &[
            ("MsgReadTime", json!(now()), 0),
            ("MsgReadTime", json!("x"), 90001),
            ("Report_Account", json!(unknown), 90008),
            ("Peer_Account", json!(1), 90003),
        ],
    );
    let unread = json!({"To_Account": bob, "Peer_Account": [alice, unknown]});
    calls.batch("openim/get_c2c_unread_msg_num", &unread, &[70107]);
    calls.wrong(
        "openim/get_c2c_unread_msg_num",
        &unread,
        &[
            ("To_Account", json!(unknown), 90003),
            ("Peer_Account", json!("x"), 90001),
            ("Peer_Account", many(11, &json!(alice)), 90018),
        ],
    );
    for command in ["openim/query_online_status", "openim/querystate"] {
        let reply = calls.call(command, &json!({"To_Account": [alice, unknown]}), 0);
        assert_eq!((&reply["QueryResult"][0]["State"], each(&reply)), (&json!("Offline"), vec![70107]));
        assert!(reply["QueryResult"][0].get("Detail").is_none());
        calls.wrong(
            command,
            &json!({}),
            &[
                ("To_Account", json!([]), 90001),
                ("To_Account", json!([unknown]), 70107),
                ("To_Account", many(501, &json!(alice)), 90018),
            ],
        );
    }
}

fn pushes(calls: &mut Calls) {
    for command in ["all_member_push/im_push", "openim/im_push"] {
        let push = json!({"MsgRandom": random(), "MsgBody": body("all")});
        // The one before was less than a second ago; in between there is nothing to see.
        while calls.server.code(command, &push) != 0 {}
        let reply = calls.call(command, &push, 0);
        assert!(reply["TaskId"].is_string());
        calls.wrong(command, &push, &[("MsgRandom", json!(random()), 90024)]);
        calls.wrong(command, &push, &wrong_body(80002));
        let many = many(11, &json!("t"));
        calls.wrong(
            command,
            &push,
            &[
                ("OfflinePushInfo", json!(1), 90043),
                ("MsgLifeTime", json!("x"), 90044),
                ("Condition", json!({"TagsOr": ["a"], "TagsAnd": ["a"]}), 90022),
                ("Condition", json!({"TagsOr": many}), 90032),
                ("Condition", json!({"AttrsOr": 1}), 90033),
                ("Condition", json!({"TagsOr": ["t".repeat(51)]}), 90034),
                ("Condition", json!({"TagsOr": ["a"], "AttrsOr": {"a": "b"}}), 90039),
                ("Condition", json!({"TagsOr": [""]}), 90040),
                ("Condition", json!({"AttrsAnd": {"a": "b"}}), 90045),
            ],
        );
    }
}

/// A request about relations without its owner, or with one who does not exist.
fn wrong_owner(calls: &mut Calls, command: &str, request: &Value) {
    let wrong = [("From_Account", json!(null), 30001), ("From_Account", json!(unused()), 30003)];
    calls.wrong(command, request, &wrong);
}

fn blacklist(calls: &mut Calls) {
    let [alice, bob] = calls.server.accounts();
    let unknown = unused();
    let to = json!({"From_Account": alice, "To_Account": [bob, alice, unknown, "é"]});
    calls.batch("sns/black_list_add", &to, &[30001, 30003, 30003]);
    let check = json!({"From_Account": alice, "To_Account": [bob, unknown], "CheckType": "BlackCheckResult_Type_Both"});
    let reply = calls.call("sns/black_list_check", &check, 0);
    assert_eq!((each(&reply), &reply["Fail_Account"]), (vec![30003], &json!([unknown])));
    let get = json!({"From_Account": alice, "StartIndex": 0, "MaxLimited": 9, "LastSequence": 0});
    calls.call("sns/black_list_get", &get, 0);
    calls.batch("sns/black_list_delete", &json!({"From_Account": alice, "To_Account": [bob, "é"]}), &[30003]);
    for (command, request) in [
        ("sns/black_list_add", &to),
        ("sns/black_list_check", &check),
        ("sns/black_list_get", &get),
        ("sns/black_list_delete", &to),
    ] {
        wrong_owner(calls, command, request);
    }
}

fn friend(account: &str) -> Value {
    json!({"To_Account": account, "AddSource": "AddSource_Type_Test"})
}

fn friends(calls: &mut Calls) {
    let [alice, any, confirm, nobody, blocked, blocks] = calls.server.accounts();
    let [barred] = calls.server.accounts();
    let unknown = unused();
    calls.profile(&confirm, "Tag_Profile_IM_AllowType", "AllowType_Type_NeedConfirm");
    calls.profile(&nobody, "Tag_Profile_IM_AllowType", "AllowType_Type_DenyAny");
    calls.profile(&barred, "Tag_Profile_IM_AdminForbidType", "AdminForbid_Type_SendOut");
    calls.batch("sns/black_list_add", &json!({"From_Account": alice, "To_Account": [blocked]}), &[]);
    calls.batch("sns/black_list_add", &json!({"From_Account": blocks, "To_Account": [alice]}), &[]);
    let all = [&any, &confirm, &nobody, &blocked, &blocks, &unknown, &alice].map(|account| friend(account));
    let add = json!({"From_Account": alice, "AddFriendItem": all});
    calls.batch("sns/friend_add", &add, &[30539, 30516, 30515, 30525, 30003, 30001]);
    calls.batch("sns/friend_add", &json!({"From_Account": barred, "AddFriendItem": [friend(&any)]}), &[30009]);
    calls.batch("sns/friend_import", &add, &[30515, 30525, 30003, 30001]);
    for (tag, value, code) in [
        ("Tag_SNS_Nothing", json!("x"), 40009),
        ("Tag_SNS_Custom_Met", json!("x".repeat(501)), 40601),
        ("Tag_SNS_Custom_Met", json!({}), 40610),
    ] {
        let mut wrong = friend(&any);
        wrong["CustomItem"] = json!([{"Tag": tag, "Value": value}]);
        let items = json!([wrong, friend(&any)]);
        calls.batch("sns/friend_import", &json!({"From_Account": alice, "AddFriendItem": items}), &[code]);
    }
    let update = |tag: &str, value: Value| {
        let item = json!({"To_Account": any, "SnsItem": [{"Tag": tag, "Value": value}]});
        json!({"From_Account": alice, "UpdateItem": [item]})
    };
    let groups: Vec<String> = (0..33).map(|number| format!("g{number}")).collect();
    calls.batch("sns/friend_update", &update("Tag_SNS_Custom_Met", json!("lake")), &[]);
    for (tag, value, code) in [
        ("Tag_SNS_IM_Remark", json!(1), 30001),
        ("Tag_SNS_IM_Group", json!(groups), 30011),
        ("Tag_SNS_Nothing", json!("x"), 40009),
        ("Tag_SNS_Custom_Met", json!("x".repeat(501)), 40601),
        ("Tag_SNS_Custom_Met", json!({}), 40610),
    ] {
        calls.batch("sns/friend_update", &update(tag, value), &[code]);
    }
    let remark = |of: &str| json!({"To_Account": of, "SnsItem": [{"Tag": "Tag_SNS_IM_Remark", "Value": "r"}]});
    let items = json!([remark(&unknown), remark(&any)]);
    calls.batch("sns/friend_update", &json!({"From_Account": alice, "UpdateItem": items}), &[31704]);
    let get = json!({"From_Account": alice, "StartIndex": 0});
    let reply = calls.call("sns/friend_get", &get, 0);
    let custom = json!({"Tag": "Tag_SNS_Custom_Met", "Value": "lake"});
    let values =
        |reply: &Value, place: usize| reply["UserDataItem"][place]["ValueItem"].as_array().expect("values").clone();
    assert!((0..3).any(|place| values(&reply, place).contains(&custom)), "{reply}");
    let (sequence, known) = (&reply["StandardSequence"], &reply["CustomSequence"]);
    let reply =
        calls.call("sns/friend_get", &json!({"From_Account": alice, "StartIndex": 0, "StandardSequence": sequence}), 0);
    assert_eq!(reply["UserDataItem"], json!([{"To_Account": any, "ValueItem": [custom]}]));
    let both = json!({"From_Account": alice, "StartIndex": 0, "StandardSequence": sequence, "CustomSequence": known});
    assert_eq!(calls.call("sns/friend_get", &both, 0)["UserDataItem"], json!([]));
    reading_friends(calls, &alice, &any, [&add, &update("Tag_SNS_IM_Remark", json!("r")), &get]);
}

fn reading_friends(calls: &mut Calls, alice: &str, any: &str, [add, update, get]: [&Value; 3]) {
    let unknown = unused();
    let list = json!({"From_Account": alice, "To_Account": [any, unknown], "TagList": ["Tag_SNS_Custom_Met"]});
    calls.batch("sns/friend_get_list", &list, &[31704]);
    let check = json!({"From_Account": alice, "To_Account": [any, unknown], "CheckType": "CheckResult_Type_Both"});
    calls.batch("sns/friend_check", &check, &[30003]);
    let delete = json!({"From_Account": alice, "To_Account": [any, unknown]});
    calls.batch("sns/friend_delete", &delete, &[31704]);
    calls.call("sns/friend_delete_all", &json!({"From_Account": alice, "DeleteType": "Delete_Type_Both"}), 0);
    for (command, request) in [
        ("sns/friend_add", add),
        ("sns/friend_import", add),
        ("sns/friend_update", update),
        ("sns/friend_get", get),
        ("sns/friend_get_list", &list),
        ("sns/friend_check", &check),
        ("sns/friend_delete", &delete),
        ("sns/friend_delete_all", get),
    ] {
        wrong_owner(calls, command, request);
    }
}

/// The lists at their limits: 3,000 friends, 1,000 blocked, 1,000 requests.
fn full_lists(calls: &mut Calls) {
    let [alice, bob, asked] = calls.server.accounts();
    let crowd: [String; 3_000] = calls.server.accounts();
    for crowd in crowd.chunks(1_000) {
        let items: Vec<Value> = crowd.iter().map(|account| friend(account)).collect();
        calls.batch("sns/friend_import", &json!({"From_Account": alice, "AddFriendItem": items}), &[]);
    }
    let one_more = |from: &str, to: &str| json!({"From_Account": from, "AddFriendItem": [friend(to)]});
    calls.batch("sns/friend_add", &one_more(&alice, &bob), &[30010]);
    calls.batch("sns/friend_import", &one_more(&alice, &bob), &[30010]);
    calls.batch("sns/friend_add", &one_more(&bob, &alice), &[30014]);
    calls.batch("sns/black_list_add", &json!({"From_Account": bob, "To_Account": crowd[..1_000]}), &[]);
    calls.batch("sns/black_list_add", &json!({"From_Account": bob, "To_Account": [asked]}), &[30013]);
    calls.profile(&asked, "Tag_Profile_IM_AllowType", "AllowType_Type_NeedConfirm");
    for asking in &crowd[..1_000] {
        calls.batch("sns/friend_add", &one_more(asking, &asked), &[30539]);
    }
    calls.batch("sns/friend_add", &one_more(&bob, &asked), &[30012]);
    calls.batch("sns/friend_add", &one_more(&crowd[0], &asked), &[30539]);
}

fn groups(calls: &mut Calls) {
    let [alice, bob] = calls.server.accounts();
    calls.batch("sns/friend_import", &json!({"From_Account": alice, "AddFriendItem": [friend(&bob)]}), &[]);
    let groups: Vec<String> = (0..32).map(|number| format!("g{number}")).collect();
    let add = json!({"From_Account": alice, "GroupName": groups, "To_Account": [bob, unused()]});
    calls.batch("sns/group_add", &add, &[31704]);
    calls.call("sns/group_add", &json!({"From_Account": alice, "GroupName": ["one more"]}), 30011);
    let get = json!({"From_Account": alice, "NeedFriend": "Need_Friend_Type_Yes"});
    assert_eq!(calls.call("sns/group_get", &get, 0)["ResultItem"].as_array().map(Vec::len), Some(32));
    let delete = json!({"From_Account": alice, "GroupName": ["g0"]});
    calls.call("sns/group_delete", &delete, 0);
    // The friend still is in 31 groups; his owner has room for one that the friend has not.
    let item = json!({"To_Account": bob, "SnsItem": [{"Tag": "Tag_SNS_IM_Group", "Value": groups}]});
    calls.batch("sns/friend_update", &json!({"From_Account": alice, "UpdateItem": [item]}), &[]);
    let more = json!({"From_Account": alice, "GroupName": ["other"], "To_Account": [bob]});
    calls.batch("sns/group_add", &more, &[30011]);
    for (command, request) in [("sns/group_add", &add), ("sns/group_get", &get), ("sns/group_delete", &delete)] {
        wrong_owner(calls, command, request);
    }
}

fn others(calls: &mut Calls) {
    let [alice, bob] = calls.server.accounts();
    let unknown = unused();
    let set = |tag: &str, value: Value| json!({"From_Account": alice, "ProfileItem": [{"Tag": tag, "Value": value}]});
    calls.call("profile/portrait_set", &set("Tag_Profile_IM_Nick", json!("n")), 0);
    for (tag, value, code) in [
        ("Tag_Profile_IM_Nothing", json!("x"), 40009),
        ("Tag_Profile_IM_Nick", json!("x".repeat(501)), 40601),
        ("Tag_Profile_IM_Gender", json!("x"), 40605),
        ("Tag_Profile_IM_Nick", json!(1), 40610),
    ] {
        calls.call("profile/portrait_set", &set(tag, value), code);
    }
    let nick = set("Tag_Profile_IM_Nick", json!("n"));
    calls.wrong(
        "profile/portrait_set",
        &nick,
        &[("From_Account", json!(unknown), 40003), ("ProfileItem", json!([]), 40001)],
    );
    let get = json!({"To_Account": [alice, unknown], "TagList": ["Tag_Profile_IM_Nick"]});
    calls.batch("profile/portrait_get", &get, &[40003]);
    calls.wrong(
        "profile/portrait_get",
        &get,
        &[("To_Account", json!(null), 40002), ("TagList", json!(null), 40001), ("TagList", json!(["x"]), 40009)],
    );
    let list = json!({"From_Account": alice, "TimeStamp": 0, "StartIndex": 0, "TopTimeStamp": 0, "TopStartIndex": 0,
        "AssistFlags": 7});
    let delete = json!({"From_Account": alice, "Type": 1, "To_Account": bob, "ClearRamble": 1});
    for (command, request) in [("recentcontact/get_list", &list), ("recentcontact/delete", &delete)] {
        calls.call(command, request, 0);
        let wrong = [("From_Account", json!(null), 50002), ("From_Account", json!(unknown), 50001)];
        calls.wrong(command, request, &wrong);
    }
    let mute = json!({"Set_Account": alice, "C2CmsgNospeakingTime": 60});
    calls.call("openconfigsvr/setnospeaking", &mute, 0);
    calls.wrong(
        "openconfigsvr/setnospeaking",
        &mute,
        &[
            ("C2CmsgNospeakingTime", json!("60"), 130001),
            ("Set_Account", json!(null), 130004),
            ("Set_Account", json!(unknown), 130005),
            ("C2CmsgNospeakingTime", json!(null), 130008),
        ],
    );
    let get = json!({"Get_Account": alice});
    assert_eq!(calls.call("openconfigsvr/getnospeaking", &get, 0)["GroupmsgNospeakingTime"], 0);
    calls.wrong(
        "openconfigsvr/getnospeaking",
        &get,
        &[("Get_Account", json!(null), 130002), ("Get_Account", json!(unknown), 130003)],
    );
    assert!(calls.call("ConfigSvc/GetIPList", &json!({}), 0)["IPList"].is_array());
    let hour = json!({"ChatType": "C2C", "MsgTime": "2099010100"});
    calls.call("open_msg_svc/get_history", &hour, 1004);
    calls.wrong(
        "open_msg_svc/get_history",
        &hour,
        &[
            ("MsgTime", json!("2009010100"), 1005),
            ("MsgTime", json!(2009010100), 1002),
            ("ChatType", json!(null), 1002),
        ],
    );
}
