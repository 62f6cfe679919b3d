//! `openim/admin_set_msg_read`, `get_c2c_unread_msg_num`, `c2c_msg_read_receipt`.

use serde_json::{Value, json};

use crate::harness::{Server, body, now, random, unused};

fn unread(server: &Server, of: &str, peers: &[&str]) -> Value {
    server.ok("openim/get_c2c_unread_msg_num", &json!({"To_Account": of, "Peer_Account": peers}))
}

#[test]
fn unread_numbers_are_by_peer_and_in_total() {
    let server = Server::shared();
    let [alice, bob, carol] = server.accounts();
    server.send(&bob, &alice, "1");
    server.send(&bob, &alice, "2");
    server.send(&carol, &alice, "3");
    assert_eq!(unread(server, &alice, &[])["AllC2CUnreadMsgNum"], 3);
    let nobody = unused();
    let reply = unread(server, &alice, &[&bob, &carol, &nobody]);
    let list = json!([{"Peer_Account": bob, "C2CUnreadMsgNum": 2}, {"Peer_Account": carol, "C2CUnreadMsgNum": 1}]);
    assert_eq!(reply["C2CUnreadMsgNumList"], list);
    assert_eq!(reply["ErrorList"], json!([{"Peer_Account": nobody, "ErrorCode": 70107}]));
    assert!(reply.get("AllC2CUnreadMsgNum").is_none());
}

#[test]
fn reading_tells_both_sides() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    server.send(&bob, &alice, "1");
    server.ok("openim/admin_set_msg_read", &json!({"Report_Account": alice, "Peer_Account": bob}));
    assert_eq!(unread(server, &alice, &[])["AllC2CUnreadMsgNum"], 0);
    for (of, with) in [(&alice, &bob), (&bob, &alice)] {
        let request =
            json!({"Operator_Account": of, "Peer_Account": with, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9});
        assert_eq!(server.ok("openim/admin_getroammsg", &request)["MsgList"][0]["IsPeerRead"], 1, "{of}");
    }
}

#[test]
fn reading_goes_up_to_a_time() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let time = now() - 100;
    for second in 0..4 {
        let request = json!({"SyncFromOldSystem": 1, "From_Account": bob, "To_Account": alice, "MsgRandom": random(),
            "MsgTimeStamp": time + second, "MsgBody": body("old")});
        server.ok("openim/importmsg", &request);
    }
    for (until, left) in [(json!(time + 1), 2), (json!((time + 2).to_string()), 1), (json!(time), 1)] {
        let request = json!({"Report_Account": alice, "Peer_Account": bob, "MsgReadTime": until});
        server.ok("openim/admin_set_msg_read", &request);
        assert_eq!(unread(server, &alice, &[])["AllC2CUnreadMsgNum"], left, "{until}");
    }
}

#[test]
fn each_wrong_field_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    for (command, request, code) in [
        ("admin_set_msg_read", json!({"Peer_Account": bob}), 90008),
        ("admin_set_msg_read", json!({"Report_Account": alice}), 90003),
        ("admin_set_msg_read", json!({"Report_Account": alice, "Peer_Account": bob, "MsgReadTime": "x"}), 90001),
        ("get_c2c_unread_msg_num", json!({}), 90003),
        ("get_c2c_unread_msg_num", json!({"To_Account": unused()}), 90003),
        ("get_c2c_unread_msg_num", json!({"To_Account": alice, "Peer_Account": bob}), 90001),
        ("get_c2c_unread_msg_num", json!({"To_Account": alice, "Peer_Account": vec![bob; 11]}), 90018),
    ] {
        assert_eq!(server.code(&format!("openim/{command}"), &request), code, "{command} {request}");
    }
    assert_ne!(
        server.code("openim/admin_set_msg_read", &json!({"Report_Account": unused(), "Peer_Account": alice})),
        0
    );
}

#[test]
fn single_messages_are_confirmed() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let keys: Vec<String> = (0..3).map(|number| server.send(&alice, &bob, &number.to_string())).collect();
    let receipt = json!({"Operator_Account": bob, "Peer_Account": alice, "C2CMsgInfo": [{"MsgKey": keys[1]}]});
    server.ok("openim/c2c_msg_read_receipt", &receipt);
    let request =
        json!({"Operator_Account": alice, "Peer_Account": bob, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9});
    let list = server.ok("openim/admin_getroammsg", &request)["MsgList"].take();
    let read: Vec<&Value> = list.as_array().unwrap().iter().map(|message| &message["IsPeerRead"]).collect();
    assert_eq!(read, [&json!(0), &json!(1), &json!(0)]);
    for (field, value, code) in [
        ("Operator_Account", json!(null), 90008),
        ("Peer_Account", json!(null), 90003),
        ("C2CMsgInfo", json!(null), 90001),
        ("C2CMsgInfo", json!([]), 90054),
        ("C2CMsgInfo", json!([{"MsgKey": "x"}]), 90054),
        ("C2CMsgInfo", json!([{"MsgKey": "1_2_3"}]), 20022),
    ] {
        let mut request = receipt.clone();
        request[field] = value;
        assert_eq!(server.code("openim/c2c_msg_read_receipt", &request), code, "{field}");
    }
}
