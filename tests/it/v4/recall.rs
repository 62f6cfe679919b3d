//! `openim/admin_msgwithdraw`, `modify_c2c_msg`.

use serde_json::json;

use crate::harness::{Server, body, now, unused};

#[test]
fn a_recalled_message_stays_without_its_body() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let key = server.send(&alice, &bob, "secret");
    let recall = json!({"From_Account": alice, "To_Account": bob, "MsgKey": key});
    server.ok("openim/admin_msgwithdraw", &recall);
    for (of, with) in [(&alice, &bob), (&bob, &alice)] {
        let request =
            json!({"Operator_Account": of, "Peer_Account": with, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9});
        let reply = server.ok("openim/admin_getroammsg", &request);
        let message = &reply["MsgList"][0];
        assert_eq!(
            (&message["MsgFlagBits"], &message["MsgBody"], &message["MsgKey"]),
            (&json!(8), &json!([]), &json!(key))
        );
    }
    let unread = server.ok("openim/get_c2c_unread_msg_num", &json!({"To_Account": bob}));
    assert_eq!(unread["AllC2CUnreadMsgNum"], 0);
    assert_eq!(server.code("openim/admin_msgwithdraw", &recall), 20023);
}

#[test]
fn each_failure_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let key = server.send(&alice, &bob, "hi");
    for (request, code) in [
        (json!({"From_Account": alice, "To_Account": bob, "MsgKey": format!("1_2_{}", now())}), 20022),
        (json!({"From_Account": bob, "To_Account": alice, "MsgKey": key}), 20022),
        (json!({"From_Account": alice, "To_Account": bob, "MsgKey": "x"}), 90054),
        (json!({"From_Account": alice, "To_Account": bob}), 90054),
        (json!({"To_Account": bob, "MsgKey": key}), 90008),
        (json!({"From_Account": alice, "MsgKey": key}), 90003),
    ] {
        assert_eq!(server.code("openim/admin_msgwithdraw", &request), code, "{request}");
    }
}

#[test]
fn a_modified_message_keeps_its_key() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let key = server.send(&alice, &bob, "before");
    let modify = |change: serde_json::Value| {
        let mut request = json!({"From_Account": alice, "To_Account": bob, "MsgKey": key});
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        server.ok("openim/modify_c2c_msg", &request);
    };
    modify(json!({"MsgBody": body("after")}));
    modify(json!({"CloudCustomData": "custom"}));
    for (of, with) in [(&alice, &bob), (&bob, &alice)] {
        let request =
            json!({"Operator_Account": of, "Peer_Account": with, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9});
        let reply = server.ok("openim/admin_getroammsg", &request);
        let message = &reply["MsgList"][0];
        assert_eq!((&message["MsgBody"], &message["CloudCustomData"]), (&body("after"), &json!("custom")));
        assert_eq!((&message["MsgKey"], &reply["MsgCnt"]), (&json!(key), &json!(1)));
    }
}

#[test]
fn each_failure_to_modify_has_its_code() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let (key, recalled) = (server.send(&alice, &bob, "hi"), server.send(&alice, &bob, "gone"));
    server.ok("openim/admin_msgwithdraw", &json!({"From_Account": alice, "To_Account": bob, "MsgKey": recalled}));
    for (field, value, code) in [
        ("From_Account", json!(null), 90008),
        ("From_Account", json!(unused()), 20022),
        ("To_Account", json!(null), 90003),
        ("MsgKey", json!("x"), 90054),
        ("MsgKey", json!("1_2_3"), 20022),
        ("MsgKey", json!(recalled), 20023),
        ("MsgBody", json!(null), 90002),
        ("MsgBody", json!({}), 90007),
        ("MsgBody", json!([{"MsgType": "TIMTextElem", "MsgContent": {}}]), 90010),
        ("MsgBody", body(&"x".repeat(8_200)), 80002),
        ("CloudCustomData", json!(1), 90001),
    ] {
        let mut request = json!({"From_Account": alice, "To_Account": bob, "MsgKey": key, "MsgBody": body("x")});
        request[field] = value;
        assert_eq!(server.code("openim/modify_c2c_msg", &request), code, "{field}");
    }
}
