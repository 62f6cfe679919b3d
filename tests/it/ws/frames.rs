use serde_json::{Value, json};

use super::client::{Client, MSGPACK, message};
use crate::harness::Server;

fn online() -> (Client, String) {
    let [name] = Server::shared().accounts();
    (Client::online(Server::shared(), &name, "d"), name)
}

#[test]
fn malformed_frames_are_answered_and_ten_in_a_row_end_the_connection() {
    let (mut client, _) = online();
    let frames =
        ["", "{", "[]", "null", r#"{"op": "ping"}"#, r#"{"id": 1.0, "op": "ping"}"#, r#"{"id": "1", "op": "ping"}"#];
    for frame in frames {
        client.text(frame);
        let reply = client.frame();
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&Value::Null, &json!(60_003)), "{frame} -> {reply}");
        assert_eq!(reply["error"]["name"], "json_invalid");
    }
    client.ok("ping", json!({}));
    for _ in 0..10 {
        client.text(r#"{"id": 5, "op": "ack", "args": {"cursor": "1"}}"#);
        let reply = client.frame();
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(5), &json!(60_003)));
    }
    assert_eq!(client.closed().0, 4004);
}

#[test]
fn a_text_frame_is_malformed_where_messagepack_was_chosen() {
    let server = Server::shared();
    let [name] = server.accounts();
    let mut client = Client::connect_with(server, &[MSGPACK]).unwrap();
    client.log_in(&name, "d", json!({}));
    client.catch_up();
    client.text(r#"{"id": 1, "op": "ping"}"#);
    assert_eq!(client.frame()["error"]["code"], 60_003);
}

#[test]
fn unknown_ops_and_unknown_fields() {
    let (mut client, _) = online();
    let reply = client.request("paint", json!({}));
    assert_eq!(reply["error"]["code"], 60_009);
    assert_eq!(reply["error"]["retry"], false);
    client.raw(&json!({"id": 77, "op": "ping", "args": {"later": [1]}, "trace": "x"}));
    assert!(client.reply(77)["ok"]["server_time"].is_u64());
    client.raw(&json!({"id": 78, "op": "ping"}));
    client.reply(78);
}

#[test]
fn a_frame_that_is_too_long_ends_the_connection() {
    for bytes in [65_537, 300_000] {
        let (mut client, name) = online();
        client.raw(&json!({"id": 1, "op": "send", "args": message(&name, &"x".repeat(bytes))}));
        assert_eq!(client.closed().0, 1009);
    }
    let (mut client, name) = online();
    assert_eq!(client.code("send", message(&name, &"x".repeat(60_000))), 80_002);
}

#[test]
fn a_frame_that_no_websocket_sends_ends_the_connection() {
    let unmasked = [0x81, 1, b'x'];
    let reserved = [0x83, 0x80, 0, 0, 0, 0];
    let no_utf8 = [0x81, 0x81, 0, 0, 0, 0, 0xff];
    for bytes in [&unmasked[..], &reserved, &no_utf8] {
        let (mut client, _) = online();
        client.bytes(bytes);
        assert_eq!(client.closed().0, 4004, "{bytes:?}");
    }
}

#[test]
fn requests_above_the_limit_are_refused_and_may_be_tried_again() {
    let server = Server::start("limits.in_flight = 4\nlimits.sends_per_second = 0");
    let [name, peer] = server.accounts();
    let mut client = Client::online(&server, &name, "d");
    let asked: Vec<u64> = (0..200).map(|_| client.ask("send", message(&peer, "x"))).collect();
    let replies: Vec<Value> = asked.into_iter().map(|id| client.reply(id)).collect();
    let refused: Vec<&Value> = replies.iter().filter(|reply| reply["ok"].is_null()).collect();
    for reply in &refused {
        assert_eq!((&reply["error"]["code"], &reply["error"]["retry"]), (&json!(60_007), &json!(true)), "{reply}");
    }
    assert!(refused.len() < 200);
}

#[test]
fn wrong_arguments_have_the_codes_of_the_server_api() {
    let (mut client, name) = online();
    let cases = [
        ("to", Value::Null, 90_003),
        ("random", Value::Null, 90_005),
        ("random", json!(1.5), 90_005),
        ("body", json!({}), 90_007),
        ("body", json!([]), 90_002),
        ("body", json!([{"MsgType": "TIMTextElem"}]), 90_010),
        ("life_time", json!(-1), 90_044),
        ("push", json!(1), 90_043),
        ("to", json!("nobody-of-this-name"), 20_003),
    ];
    for (field, value, code) in cases {
        let mut args = message(&name, "x");
        args[field] = value.clone();
        assert_eq!(client.code("send", args), code, "{field}: {value}");
    }
}
