//! `openim/admin_msgwithdraw`.

use serde_json::json;

use crate::harness::{Server, now};

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
