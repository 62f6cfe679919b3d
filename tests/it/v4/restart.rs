//! What was answered is there after the program ended, however it ended.

use serde_json::{Value, json};

use crate::harness::{Server, body, now, random};

fn messages(server: &Server, of: &str, with: &str) -> Value {
    let request =
        json!({"Operator_Account": of, "Peer_Account": with, "MaxCnt": 100, "MinTime": 0, "MaxTime": now() + 9});
    server.ok("openim/admin_getroammsg", &request)["MsgList"].take()
}

#[test]
fn answered_messages_outlive_a_kill_and_a_stop() {
    let server = Server::start("");
    let [alice, bob] = server.accounts();
    let request = json!({"From_Account": alice, "To_Account": bob, "MsgRandom": random(), "MsgBody": body("first")});
    let first = server.ok("openim/sendmsg", &request);
    for number in 0..50 {
        server.send(&alice, &bob, &number.to_string());
    }
    let before = messages(&server, &bob, &alice);
    let server = Server::start_in(server.kill(), "");
    assert_eq!(messages(&server, &bob, &alice), before);
    assert_eq!(server.ok("openim/sendmsg", &request), first, "a retry is still the same message");
    let server = Server::start_in(server.stop(), "");
    assert_eq!(messages(&server, &bob, &alice), before);
    let unread = server.ok("openim/get_c2c_unread_msg_num", &json!({"To_Account": bob}));
    assert_eq!(unread["AllC2CUnreadMsgNum"], 51);
}
