//! `openim/admin_getroammsg`, `delete_c2c_msg_ramble`.

use serde_json::{Value, json};

use crate::harness::{Server, body, now, random};

/// Reads a conversation page by page as a back end does: newest page first.
fn pages(server: &Server, of: &str, with: &str, max_cnt: u64) -> Vec<Vec<Value>> {
    let (mut pages, mut max_time, mut last_key) = (Vec::new(), now() + 60, String::new());
    loop {
        let request = json!({"From_Account": of, "To_Account": with, "MaxCnt": max_cnt, "MinTime": 0, "MaxTime": max_time,
            "LastMsgKey": last_key});
        let reply = server.ok("openim/admin_getroammsg", &request);
        let list = reply["MsgList"].as_array().unwrap().clone();
        assert_eq!(reply["MsgCnt"], list.len());
        if let Some(oldest) = list.first() {
            assert_eq!((&reply["LastMsgTime"], &reply["LastMsgKey"]), (&oldest["MsgTimeStamp"], &oldest["MsgKey"]));
        }
        max_time = reply["LastMsgTime"].as_u64().unwrap();
        last_key = reply["LastMsgKey"].as_str().unwrap().to_owned();
        pages.push(list);
        match reply["Complete"].as_u64() {
            Some(1) => return pages,
            Some(0) => assert!(pages.len() < 100, "paging ends"),
            other => panic!("Complete is {other:?}"),
        }
    }
}

fn texts(pages: &[Vec<Value>]) -> Vec<String> {
    let text = |message: &Value| message["MsgBody"][0]["MsgContent"]["Text"].as_str().unwrap().to_owned();
    pages.iter().rev().flatten().map(text).collect()
}

#[test]
fn pages_go_from_new_to_old_and_ascend_inside() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let sent: Vec<String> = (0..25).map(|number| format!("message {number}")).collect();
    for (number, text) in sent.iter().enumerate() {
        let (from, to) = if number % 2 == 0 { (&alice, &bob) } else { (&bob, &alice) };
        server.send(from, to, text);
    }
    let pages = pages(server, &bob, &alice, 10);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    assert_eq!(texts(&pages), sent, "everything once, in order");
}

#[test]
fn a_page_ends_at_about_13_kilobytes() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let sent: Vec<String> = (0..10).map(|number| format!("{number}{}", "x".repeat(4_000))).collect();
    sent.iter().for_each(|text| {
        server.send(&alice, &bob, text);
    });
    let pages = pages(server, &bob, &alice, 100);
    assert!(pages.iter().all(|page| page.len() <= 3), "{:?}", pages.iter().map(Vec::len).collect::<Vec<_>>());
    assert_eq!(texts(&pages), sent);
}

#[test]
fn the_range_includes_both_ends() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let start = now() - 100;
    for second in 0..5 {
        let request = json!({"SyncFromOldSystem": 2, "From_Account": alice, "To_Account": bob, "MsgRandom": random(),
            "MsgTimeStamp": start + second, "MsgBody": body(&second.to_string())});
        server.ok("openim/importmsg", &request);
    }
    let request = json!({"Operator_Account": bob, "Peer_Account": alice, "MaxCnt": 100, "MinTime": start + 1, "MaxTime": start + 3});
    let list = server.ok("openim/admin_getroammsg", &request)["MsgList"].take();
    assert_eq!(texts(&[list.as_array().unwrap().clone()]), ["1", "2", "3"]);
}

#[test]
fn an_empty_conversation_is_a_complete_page() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let request = json!({"Operator_Account": alice, "Peer_Account": bob, "MaxCnt": 1, "MinTime": 0, "MaxTime": now()});
    let reply = server.ok("openim/admin_getroammsg", &request);
    assert_eq!((&reply["Complete"], &reply["MsgCnt"], &reply["MsgList"]), (&json!(1), &json!(0), &json!([])));
}

#[test]
fn each_wrong_field_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let good = json!({"Operator_Account": alice, "Peer_Account": bob, "MaxCnt": 1, "MinTime": 0, "MaxTime": 1});
    for (field, value, code) in [
        ("Operator_Account", json!(null), 90008),
        ("Operator_Account", json!(crate::harness::unused()), 90008),
        ("Peer_Account", json!(1), 90003),
        ("MaxCnt", json!("1"), 90001),
        ("MinTime", json!(null), 90001),
        ("MaxTime", json!(-1), 90001),
        ("LastMsgKey", json!("x"), 90054),
    ] {
        let mut request = good.clone();
        request[field] = value;
        assert_eq!(server.code("openim/admin_getroammsg", &request), code, "{field}");
    }
}

#[test]
fn a_deleted_message_leaves_one_view_only() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let keys: Vec<String> = (0..3).map(|number| server.send(&alice, &bob, &number.to_string())).collect();
    let request = json!({"Operator_Account": bob, "Peer_Account": alice, "MsgKeyList": [keys[1], "1_2_3"]});
    let reply = server.ok("openim/delete_c2c_msg_ramble", &request);
    assert_eq!(reply["InvalidMsgKeyList"], json!(["1_2_3"]));
    assert_eq!(texts(&pages(server, &bob, &alice, 10)), ["0", "2"]);
    assert_eq!(texts(&pages(server, &alice, &bob, 10)), ["0", "1", "2"]);
    let reply = server.ok(
        "openim/delete_c2c_msg_ramble",
        &json!({"Operator_Account": bob, "Peer_Account": alice, "MsgKeyList": [keys[2]]}),
    );
    assert!(reply.get("InvalidMsgKeyList").is_none());
}

#[test]
fn deleting_has_its_codes() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let good = json!({"Operator_Account": alice, "Peer_Account": bob, "MsgKeyList": ["1_2_3"]});
    for (field, value, code) in [
        ("Operator_Account", json!(null), 90008),
        ("Peer_Account", json!(null), 90003),
        ("MsgKeyList", json!(null), 90001),
        ("MsgKeyList", json!(["x"]), 90054),
        ("MsgKeyList", json!(vec!["1_2_3"; 31]), 90054),
    ] {
        let mut request = good.clone();
        request[field] = value;
        assert_eq!(server.code("openim/delete_c2c_msg_ramble", &request), code, "{field}");
    }
}

#[test]
fn a_page_goes_on_after_its_last_message_was_deleted() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let time = now() - 100;
    for second in 0..4 {
        let request = json!({"SyncFromOldSystem": 2, "From_Account": alice, "To_Account": bob, "MsgRandom": 5, "MsgSeq": second,
            "MsgTimeStamp": time + second, "MsgBody": body(&second.to_string())});
        server.ok("openim/importmsg", &request);
    }
    let last = format!("2_5_{}", time + 2);
    server.ok(
        "openim/delete_c2c_msg_ramble",
        &json!({"Operator_Account": bob, "Peer_Account": alice, "MsgKeyList": [last]}),
    );
    let request = json!({"From_Account": bob, "To_Account": alice, "MaxCnt": 10, "MinTime": 0, "MaxTime": time + 2, "LastMsgKey": last});
    let list = server.ok("openim/admin_getroammsg", &request)["MsgList"].take();
    assert_eq!(texts(&[list.as_array().unwrap().clone()]), ["0", "1"]);
}
