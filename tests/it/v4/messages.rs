//! `openim/sendmsg`, `batchsendmsg`, `importmsg`.

use serde_json::{Value, json};

use crate::harness::{ADMIN, Server, body, now, random, unused};

fn roam(server: &Server, of: &str, with: &str) -> Vec<Value> {
    let request =
        json!({"Operator_Account": of, "Peer_Account": with, "MaxCnt": 100, "MinTime": 0, "MaxTime": now() + 60});
    server.ok("openim/admin_getroammsg", &request)["MsgList"].as_array().unwrap().clone()
}

fn unread(server: &Server, of: &str) -> u64 {
    let reply = server.ok("openim/get_c2c_unread_msg_num", &json!({"To_Account": of}));
    reply["AllC2CUnreadMsgNum"].as_u64().unwrap()
}

fn message(from: &str, to: &str) -> Value {
    json!({"From_Account": from, "To_Account": to, "MsgRandom": random(), "MsgBody": body("hi")})
}

#[test]
fn a_message_is_answered_with_its_key_and_read_back() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let request = json!({"From_Account": alice, "To_Account": bob, "MsgSeq": 93847, "MsgRandom": 4_294_967_295_u32,
        "CloudCustomData": "custom", "MsgBody": body("héllo \u{1F600}")});
    let before = now();
    let reply = server.ok("openim/sendmsg", &request);
    let time = reply["MsgTime"].as_u64().unwrap();
    assert!((before..=now()).contains(&time));
    assert_eq!(reply["MsgKey"], format!("93847_4294967295_{time}"));
    assert!(reply["MsgId"].is_string());
    let read = roam(server, &bob, &alice);
    let expected = json!({"From_Account": alice, "To_Account": bob, "MsgSeq": 93847, "MsgRandom": 4_294_967_295_u32,
        "MsgTimeStamp": time, "MsgClientTime": time, "MsgFlagBits": 0, "IsPeerRead": 0, "MsgKey": reply["MsgKey"],
        "MsgBody": body("héllo \u{1F600}"), "CloudCustomData": "custom"});
    assert_eq!(read, std::slice::from_ref(&expected));
    assert_eq!(roam(server, &alice, &bob), [expected], "from either side");
    assert_eq!(unread(server, &bob), 1);
}

#[test]
fn every_element_comes_back_as_it_was_sent() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let elements = json!([
        {"MsgType": "TIMTextElem", "MsgContent": {"Text": "a"}},
        {"MsgType": "TIMLocationElem", "MsgContent": {"Desc": "d", "Latitude": 29.340656774469956, "Longitude": 116.77497920478824}},
        {"MsgType": "TIMFaceElem", "MsgContent": {"Index": 1, "Data": "x"}},
        {"MsgType": "TIMCustomElem", "MsgContent": {"Data": "{}", "Desc": "d", "Ext": "e", "Sound": "s", "More": 1}},
        {"MsgType": "TIMFileElem", "MsgContent": {"Url": "u", "UUID": "i", "FileSize": 1773552, "FileName": "f", "Download_Flag": 2}},
        {"MsgType": "TIMRelayElem", "MsgContent": {"MsgNum": 2, "MsgList": [{"MsgBody": []}]}},
    ]);
    let request = json!({"From_Account": alice, "To_Account": bob, "MsgRandom": random(), "MsgBody": elements});
    server.ok("openim/sendmsg", &request);
    assert_eq!(roam(server, &bob, &alice)[0]["MsgBody"], elements);
}

#[test]
fn the_admin_is_the_sender_if_nobody_is_named() {
    let server = Server::shared();
    let [bob] = server.accounts();
    server.ok("openim/sendmsg", &json!({"To_Account": bob, "MsgRandom": random(), "MsgBody": body("hi")}));
    assert_eq!(roam(server, &bob, ADMIN)[0]["From_Account"], ADMIN);
}

#[test]
fn a_retry_is_the_same_message() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let request = message(&alice, &bob);
    let first = server.ok("openim/sendmsg", &request);
    for _ in 0..3 {
        assert_eq!(server.ok("openim/sendmsg", &request), first);
    }
    assert_eq!(roam(server, &bob, &alice).len(), 1);
    let mut other = request.clone();
    other["MsgBody"] = body("something else");
    assert_ne!(server.ok("openim/sendmsg", &other)["MsgKey"], Value::Null);
    assert_eq!(roam(server, &bob, &alice).len(), 2, "a constant MsgRandom loses no message");
}

#[test]
fn a_retry_of_a_batch_is_the_same_message() {
    let server = Server::shared();
    let [alice, bob, carol] = server.accounts();
    let request = json!({"From_Account": alice, "To_Account": [bob, carol, unused()], "MsgRandom": random(), "MsgBody": body("hi")});
    let first = server.ok("openim/batchsendmsg", &request);
    assert_eq!(server.ok("openim/batchsendmsg", &request), first, "with the same ErrorList");
    assert_eq!(roam(server, &carol, &alice).len(), 1);
}

#[test]
fn the_senders_copy_follows_sync_other_machine() {
    let server = Server::shared();
    for (sync, copies) in [(json!({}), 1), (json!({"SyncOtherMachine": 1}), 1), (json!({"SyncOtherMachine": 2}), 0)] {
        let [alice, bob] = server.accounts();
        let mut request = message(&alice, &bob);
        request.as_object_mut().unwrap().extend(sync.as_object().unwrap().clone());
        server.ok("openim/sendmsg", &request);
        assert_eq!((roam(server, &alice, &bob).len(), roam(server, &bob, &alice).len()), (copies, 1), "{sync}");
    }
}

#[test]
fn what_is_online_only_leaves_nothing() {
    let server = Server::shared();
    for how in [json!({"MsgLifeTime": 0}), json!({"OnlineOnlyFlag": 1})] {
        let [alice, bob] = server.accounts();
        let mut request = message(&alice, &bob);
        request.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        server.ok("openim/sendmsg", &request);
        assert_eq!((roam(server, &bob, &alice).len(), unread(server, &bob)), (0, 0), "{how}");
    }
}

#[test]
fn controls_keep_the_unread_number_and_the_place() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let mut request = message(&alice, &bob);
    request["SendMsgControl"] = json!(["NoUnread"]);
    server.ok("openim/sendmsg", &request);
    assert_eq!((unread(server, &bob), roam(server, &bob, &alice).len()), (0, 1));
}

#[test]
fn each_wrong_field_of_a_message_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let two_customs =
        json!([{"MsgType": "TIMCustomElem", "MsgContent": {}}, {"MsgType": "TIMCustomElem", "MsgContent": {}}]);
    for (field, value, code) in [
        ("To_Account", json!(unused()), 90003),
        ("To_Account", json!([bob]), 90003),
        ("From_Account", json!(unused()), 90008),
        ("From_Account", json!(1), 90008),
        ("MsgRandom", json!("x"), 90005),
        ("MsgBody", json!({}), 90007),
        ("MsgBody", json!([]), 90002),
        ("MsgBody", two_customs, 90002),
        ("MsgBody", json!([{"MsgType": "TIMTextElem", "MsgContent": {}}]), 90010),
        ("MsgBody", body(&"x".repeat(8_200)), 80002),
        ("CloudCustomData", json!("x".repeat(8_200)), 80002),
        ("SyncOtherMachine", json!(0), 90031),
        ("MsgLifeTime", json!("x"), 90044),
        ("MsgTimeStamp", json!("x"), 90006),
        ("OfflinePushInfo", json!([]), 90043),
        ("MsgSeq", json!(-1), 90001),
    ] {
        let mut request = message(&alice, &bob);
        request[field] = value;
        assert_eq!(server.code("openim/sendmsg", &request), code, "{field}");
    }
    for (field, code) in [("To_Account", 90003), ("MsgRandom", 90005), ("MsgBody", 90002)] {
        let mut request = message(&alice, &bob);
        request.as_object_mut().unwrap().remove(field);
        assert_eq!(server.code("openim/sendmsg", &request), code, "without {field}");
    }
    assert!(roam(server, &bob, &alice).is_empty(), "nothing of it was sent");
}

#[test]
fn a_batch_reaches_those_who_exist() {
    let server = Server::shared();
    let [alice, bob, carol] = server.accounts();
    let unknown = unused();
    let request =
        |to: Value| json!({"From_Account": alice, "To_Account": to, "MsgRandom": random(), "MsgBody": body("all")});
    let reply = server.ok("openim/batchsendmsg", &request(json!([bob, carol, bob])));
    assert_eq!(reply["ActionStatus"], "OK");
    assert!(reply.get("ErrorList").is_none());
    for name in [&bob, &carol] {
        assert_eq!(roam(server, name, &alice)[0]["MsgKey"], reply["MsgKey"]);
    }
    let reply = server.ok("openim/batchsendmsg", &request(json!([bob, unknown, "é"])));
    assert_eq!(reply["ActionStatus"], "SomeError");
    let failed = json!([{"To_Account": unknown, "ErrorCode": 70107}, {"To_Account": "é", "ErrorCode": 70107}]);
    assert_eq!(reply["ErrorList"], failed);
    let reply = server.call("openim/batchsendmsg", &request(json!([unknown])));
    assert_eq!((&reply["ErrorCode"], &reply["ErrorList"][0]["ErrorCode"]), (&json!(90012), &json!(70107)));
}

#[test]
fn each_wrong_field_of_a_batch_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    for (field, value, code) in [
        ("To_Account", json!([]), 90003),
        ("To_Account", json!(bob), 90003),
        ("To_Account", json!(vec![bob.clone(); 501]), 90011),
        ("From_Account", json!(unused()), 90008),
        ("MsgBody", body(&"x".repeat(8_200)), 90055),
        ("MsgRandom", json!(null), 90005),
    ] {
        let mut request =
            json!({"From_Account": alice, "To_Account": [bob], "MsgRandom": random(), "MsgBody": body("hi")});
        request[field] = value;
        assert_eq!(server.code("openim/batchsendmsg", &request), code, "{field}");
    }
}

#[test]
fn an_import_keeps_its_time_and_is_made_once() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let time = now() - 3_600;
    let import = |sync: u32, seq: u32, from: &str, to: &str| {
        json!({"SyncFromOldSystem": sync, "From_Account": from, "To_Account": to, "MsgSeq": seq, "MsgRandom": 7,
            "MsgTimeStamp": time, "MsgBody": body("old"), "CloudCustomData": "c"})
    };
    for _ in 0..2 {
        server.ok("openim/importmsg", &import(1, 1, &alice, &bob));
    }
    server.ok("openim/importmsg", &import(1, 1, &bob, &alice));
    server.ok("openim/importmsg", &import(2, 2, &alice, &bob));
    let keys: Vec<Value> = roam(server, &bob, &alice).into_iter().map(|message| message["MsgKey"].clone()).collect();
    assert_eq!(keys, [json!(format!("1_7_{time}")), json!(format!("2_7_{time}"))]);
    assert_eq!(unread(server, &bob), 1, "only the first counts");
}

#[test]
fn each_wrong_field_of_an_import_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    for (field, value, code) in [
        ("SyncFromOldSystem", json!(3), 90030),
        ("From_Account", json!(null), 90008),
        ("From_Account", json!(unused()), 90008),
        ("To_Account", json!(unused()), 90003),
        ("MsgTimeStamp", json!(null), 90006),
        ("MsgTimeStamp", json!(now() + 3_600), 90006),
        ("MsgTimeStamp", json!(u64::MAX), 90006),
        ("MsgBody", json!("x"), 90007),
    ] {
        let mut request = json!({"SyncFromOldSystem": 1, "From_Account": alice, "To_Account": bob, "MsgRandom": random(),
            "MsgTimeStamp": now() - 9, "MsgBody": body("old")});
        request[field] = value;
        assert_eq!(server.code("openim/importmsg", &request), code, "{field}");
    }
}
