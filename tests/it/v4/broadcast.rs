//! `all_member_push/im_push` and its older name, against a server of the test's own: it reaches all accounts.

use serde_json::{Value, json};

use crate::harness::{ADMIN, Server, body, now, random, unused};
use crate::ws::client::{Client, text};

fn push(life: u64, says: &str) -> Value {
    json!({"MsgRandom": random(), "MsgBody": body(says), "MsgLifeTime": life})
}

/// Issues it when the last one is a second ago.
fn issue(server: &Server, command: &str, request: &Value) -> String {
    loop {
        let reply = server.call(command, request);
        match reply["ErrorCode"].as_u64() {
            Some(0) => return reply["TaskId"].as_str().expect("a text").to_owned(),
            Some(90024) => {}
            _ => panic!("{request} -> {reply}"),
        }
    }
}

#[test]
fn all_devices_get_it_once_and_nothing_else_changes() {
    let server = Server::start("policy.login = 'multi'");
    let [alice, bob] = server.accounts();
    let (mut phone, mut bobs) = (Client::online(&server, &alice, "phone"), Client::online(&server, &bob, "phone"));
    let task = issue(&server, "all_member_push/im_push", &push(600, "to all"));
    assert!(!task.is_empty());
    let entry = phone.entry();
    assert_eq!((text(&entry), &entry["from"], &entry["to"]), ("to all", &json!(ADMIN), &json!(alice)));
    assert_eq!((&entry["origin"], entry["seq"].is_u64()), (&json!("server"), true));
    assert_eq!(text(&bobs.entry()), "to all");

    let mut tablet = Client::connect(&server);
    tablet.log_in(&alice, "tablet", json!({"platform": "ipad"}));
    let (entries, _) = tablet.catch_up();
    assert_eq!(entries.iter().map(text).collect::<Vec<_>>(), ["to all"], "another device finds it in its catch-up");
    let listed = phone.ok("recent_contacts", json!({}));
    assert_eq!((&listed["list"], &listed["unread_total"]), (&json!([]), &json!(0)));
    assert_eq!(phone.ok("history", json!({"peer": ADMIN}))["list"], json!([]));
    let roam =
        json!({"Operator_Account": alice, "Peer_Account": ADMIN, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9});
    assert_eq!(server.ok("openim/admin_getroammsg", &roam)["MsgCnt"], 0, "never roamed");
}

#[test]
fn who_is_away_gets_what_is_stored_and_who_is_there_gets_all() {
    let server = Server::start("");
    let [alice, bob] = server.accounts();
    let mut there = Client::online(&server, &alice, "phone");
    issue(&server, "all_member_push/im_push", &push(0, "now or never"));
    issue(&server, "openim/im_push", &push(600, "for later"));
    assert_eq!(there.entry()["flags"]["online_only"], true);
    assert_eq!(text(&there.entry()), "for later");
    let mut later = Client::connect(&server);
    later.log_in(&bob, "phone", json!({}));
    assert_eq!(later.catch_up().0.iter().map(text).collect::<Vec<_>>(), ["for later"]);
    let [newcomer] = server.accounts();
    let mut new = Client::connect(&server);
    new.log_in(&newcomer, "phone", json!({}));
    assert!(new.catch_up().0.is_empty(), "it came before the account");
}

#[test]
fn a_repeat_gets_the_first_task_even_after_a_restart() {
    let server = Server::start("log.partitions = 3");
    let request = push(600, "once");
    let task = issue(&server, "all_member_push/im_push", &request);
    assert_eq!(server.ok("all_member_push/im_push", &request)["TaskId"], task);
    let [alice] = server.accounts();
    let server = Server::start_in(server.kill(), "log.partitions = 3");
    assert_eq!(server.ok("openim/im_push", &request)["TaskId"], task);
    let mut later = Client::connect(&server);
    later.log_in(&alice, "phone", json!({}));
    assert!(later.catch_up().0.is_empty(), "it came before the account");
}

#[test]
fn each_wrong_field_of_a_push_has_its_code() {
    let server = Server::shared();
    for (field, value, code) in [
        ("MsgRandom", json!(null), 90005),
        ("MsgBody", json!(null), 90002),
        ("MsgBody", json!({}), 90007),
        ("MsgBody", json!([{"MsgType": "TIMTextElem"}]), 90010),
        ("MsgBody", body(&"x".repeat(8_200)), 80002),
        ("MsgLifeTime", json!("x"), 90044),
        ("From_Account", json!(unused()), 90008),
        ("OfflinePushInfo", json!([]), 90043),
        ("Condition", json!({"TagsOr": ["a"]}), 90045),
        ("Condition", json!({"TagsOr": ["a"], "AttrsOr": {}}), 90039),
        ("Condition", json!(1), 90001),
    ] {
        let mut request = push(0, "x");
        request[field] = value;
        assert_eq!(server.code("all_member_push/im_push", &request), code, "{field}");
    }
}
