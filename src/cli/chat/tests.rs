use std::time::{Duration, Instant};

use duolog_topics::Account;
use serde_json::{Value, json};

use super::client::{Client, Identity, Leave, Out};
use super::websocket_address;

fn name(name: &str) -> Account {
    Account::new(name).unwrap()
}

fn client(to: Option<&str>) -> Client {
    let sign = Box::new(|| "sig".to_owned());
    let identity = Identity { account: name("alice"), platform: "linux".to_owned(), device: "d".to_owned(), sign };
    Client::new(identity, to.map(name))
}

/// The frames among what a client wants.
fn frames(outs: &[Out]) -> Vec<Value> {
    outs.iter().filter_map(|out| if let Out::Frame(frame) = out { Some(frame.clone()) } else { None }).collect()
}

fn push(name: &str, data: Value) -> Value {
    json!({"push": name, "data": data})
}

fn ok(request: &Value, ok: Value) -> Value {
    json!({"id": request["id"], "ok": ok})
}

/// Logs in and is told that there is nothing to catch up with.
fn live(client: &mut Client, now: Instant) {
    let login = frames(&client.connected(now)).remove(0);
    client.frame(&ok(&login, json!({"session": "s1", "timeline": "t1", "cursor": 5, "head": 5})), now);
    client.frame(&push("refresh", json!({"cursor": 5})), now);
    assert!(client.takes_input());
}

fn message(seq: u64, from: &str, to: &str, random: &Value) -> Value {
    json!({"seq": seq, "key": "k", "from": from, "to": to, "time": 1, "random": random, "body": []})
}

#[test]
fn pages_are_shown_and_acknowledged_before_the_next_one() {
    let now = Instant::now();
    let mut client = client(None);
    let login = frames(&client.connected(now)).remove(0);
    assert_eq!(login["op"], "login");
    assert!(login["args"].get("session").is_none());
    client.frame(&ok(&login, json!({"session": "s", "timeline": "t", "cursor": 0, "head": 2})), now);
    let entry = message(1, "bob", "alice", &json!(1));
    let page = push("messages", json!({"list": [entry], "after": 0, "cursor": 1, "offline": true, "more": true}));
    let outs = client.frame(&page, now);
    assert!(outs.contains(&Out::Entry(entry)));
    assert_eq!(frames(&outs)[0]["op"], "ack");
    assert_eq!(frames(&outs)[0]["args"], json!({"cursor": 1}));
    assert!(!client.takes_input(), "typed lines wait for the end of the catch-up");
}

#[test]
fn a_typed_line_goes_to_whoever_wrote_last() {
    let now = Instant::now();
    let mut client = client(None);
    live(&mut client, now);
    assert_eq!(client.typed("hi", now), [Out::Note("to whom? /to ACCOUNT".to_owned())]);
    assert_eq!(client.failed(), 1);
    let entry = message(6, "bob", "alice", &json!(1));
    client.frame(&push("messages", json!({"list": [entry], "after": 5, "cursor": 6, "offline": false})), now);
    let outs = client.typed("hi", now);
    assert_eq!(frames(&outs)[0]["args"]["to"], "bob");
    assert_eq!(frames(&outs)[0]["args"]["body"][0]["MsgContent"]["Text"], "hi");
}

#[test]
fn a_hole_before_a_push_is_filled_by_sync() {
    let now = Instant::now();
    let mut client = client(None);
    live(&mut client, now);
    let late = push("messages", json!({"list": [message(9, "bob", "alice", &json!(1))], "after": 8, "cursor": 9}));
    let outs = client.frame(&late, now);
    let sync = frames(&outs).remove(0);
    assert_eq!((sync["op"].as_str(), &sync["args"]["after"]), (Some("sync"), &json!(5)));
    assert_eq!(client.frame(&late, now), [], "one sync at a time");
    let list = [message(7, "bob", "alice", &json!(1)), message(9, "bob", "alice", &json!(2))];
    let outs = client.frame(&ok(&sync, json!({"list": list, "cursor": 9, "more": false})), now);
    assert_eq!(outs.iter().filter(|out| matches!(out, Out::Entry(_))).count(), 2);
    assert_eq!(frames(&outs)[0]["args"], json!({"cursor": 9}));
}

#[test]
fn a_send_without_an_answer_goes_out_again_only_if_the_catch_up_lacks_it() {
    let now = Instant::now();
    let mut client = client(Some("bob"));
    live(&mut client, now);
    let first = frames(&client.typed("one", now)).remove(0);
    let second = frames(&client.typed("two", now)).remove(0);

    // The link is lost. The same session comes back, from where this client was.
    let login = frames(&client.connected(now)).remove(0);
    assert_eq!(login["args"]["session"], "s1");
    assert_eq!(login["args"]["cursor"], 5);
    client.frame(&ok(&login, json!({"session": "s1", "timeline": "t1", "cursor": 5, "head": 6})), now);
    let entry = message(6, "alice", "bob", &first["args"]["random"]);
    let page = push("messages", json!({"list": [entry], "after": 5, "cursor": 6, "offline": true, "more": false}));
    assert!(client.frame(&page, now).iter().any(|out| matches!(out, Out::Stored(1, _))));
    let again = frames(&client.frame(&push("refresh", json!({"cursor": 6})), now));
    assert_eq!(again.len(), 1);
    assert_eq!(again[0]["args"], second["args"], "the same key, so it takes effect once");
}

#[test]
fn a_refusal_that_may_be_tried_again_is_tried_again_and_a_final_one_fails() {
    let now = Instant::now();
    let mut client = client(Some("bob"));
    live(&mut client, now);
    let send = frames(&client.typed("one", now)).remove(0);
    let busy = json!({"id": send["id"], "error": {"code": 60007, "name": "busy", "retry": true, "retry_after": 500}});
    assert_eq!(client.frame(&busy, now), []);
    assert_eq!(client.tick(now), []);
    let again = frames(&client.tick(now + Duration::from_millis(500))).remove(0);
    assert_eq!(again["args"], send["args"]);
    assert_eq!(client.failed(), 0);
    let refused = json!({"code": 20009, "name": "not_friends", "message": "no", "retry": false});
    let outs = client.frame(&json!({"id": again["id"], "error": refused}), now);
    assert_eq!(outs, [Out::Note("[1] ✗ failed: 20009 not_friends: no".to_owned())]);
    assert_eq!(client.failed(), 1);
}

#[test]
fn a_command_that_is_not_done_for_all_accounts_is_one_line_that_failed() {
    let now = Instant::now();
    let mut client = client(None);
    live(&mut client, now);
    let block = frames(&client.typed("/block bob carol dave", now)).remove(0);
    let refused = |account: &str| json!({"account": account, "code": 30_003, "message": "no such account"});
    let results = json!([{"account": "bob", "code": 0}, refused("carol"), refused("dave")]);
    let outs = client.frame(&ok(&block, json!({"results": results})), now);
    let note = "✗ carol: 30003 no such account\n✗ dave: 30003 no such account";
    assert_eq!((outs, client.failed()), (vec![Out::Note(note.to_owned())], 1));

    assert_eq!(client.typed("/blok bob", now).len(), 1);
    assert_eq!(client.unreadable("not text").len(), 1);
    assert_eq!(client.failed(), 3);
}

#[test]
fn an_unanswered_request_is_a_lost_link() {
    let now = Instant::now();
    let mut client = client(Some("bob"));
    live(&mut client, now);
    client.typed("one", now);
    assert!(matches!(client.tick(now + Duration::from_secs(15))[0], Out::Reconnect(_)));
}

#[test]
fn the_end_of_input_waits_for_answers_and_logs_out() {
    let now = Instant::now();
    let mut client = client(Some("bob"));
    live(&mut client, now);
    let send = frames(&client.typed("one", now)).remove(0);
    assert_eq!(client.input_ended(now), []);
    let outs = client.frame(&ok(&send, json!({"key": "1_2_3", "time": 3, "seq": 6})), now);
    let Out::Stored(1, entry) = &outs[0] else { panic!("{outs:?}") };
    let expected = json!({
        "seq": 6, "key": "1_2_3", "from": "alice", "to": "bob", "time": 3, "body": send["args"]["body"],
        "random": send["args"]["random"], "msg_seq": 1, "origin": "client", "flags": {}, "peer_read": false,
    });
    assert_eq!(*entry, expected);
    let logout = frames(&outs).remove(0);
    assert_eq!(logout["op"], "logout");
    assert_eq!(client.frame(&ok(&logout, json!({})), now), [Out::Leave(Leave::Done)]);
}

#[test]
fn marks_follow_a_message_until_it_is_read_and_taken_back() {
    let now = Instant::now();
    let mut client = client(Some("bob"));
    live(&mut client, now);
    assert_eq!(client.typed("/recall", now), [Out::Note("no such message of this chat is stored".to_owned())]);
    let send = frames(&client.typed("one", now)).remove(0);
    client.frame(&ok(&send, json!({"key": "1_2_3", "time": 3, "seq": 6})), now);
    let receipt = json!({"seq": 7, "type": "receipt", "peer": "bob", "until": 3, "time": 4});
    let outs = client.frame(&push("messages", json!({"list": [receipt], "after": 5, "cursor": 7})), now);
    assert!(outs.contains(&Out::Note("[1] ✓✓ read by bob".to_owned())), "{outs:?}");
    let recall = frames(&client.typed("/recall 1", now)).remove(0);
    assert_eq!(recall["args"], json!({"peer": "bob", "key": "1_2_3"}));
}

#[test]
fn a_command_waits_for_the_messages_before_it_and_messages_wait_for_the_command() {
    let now = Instant::now();
    let mut client = client(Some("bob"));
    live(&mut client, now);
    let send = frames(&client.typed("one", now)).remove(0);
    assert_eq!(client.typed("/recall", now), []);
    assert!(!client.takes_input());
    assert_eq!(client.input_ended(now), [], "the command is not forgotten");
    let outs = client.frame(&ok(&send, json!({"key": "1_2_3", "time": 3, "seq": 6})), now);
    let recall = frames(&outs).remove(0);
    assert_eq!(recall["op"], "recall");
    assert!(!client.takes_input());
    assert_eq!(frames(&client.frame(&ok(&recall, json!({})), now))[0]["op"], "logout");
}

#[test]
fn a_kicked_client_says_by_whom() {
    let now = Instant::now();
    let mut client = client(None);
    live(&mut client, now);
    let by = json!({"platform": "android", "device": "phone", "time": 1000});
    let outs = client.frame(&push("kicked", json!({"reason": "login_elsewhere", "by": by})), now);
    let why = "kicked by android (phone) at 1970-01-01 00:00:01Z: login_elsewhere".to_owned();
    assert_eq!(outs, [Out::Leave(Leave::Sent(why))]);
}

#[test]
fn the_address_of_the_protocol_follows_from_the_base_url() {
    let address = |url: &str| websocket_address(url).map(|uri| uri.to_string());
    assert_eq!(address("http://127.0.0.1:8080").as_deref(), Some("ws://127.0.0.1:8080/v1/ws"));
    assert_eq!(address("ws://h:1/v1/ws").as_deref(), Some("ws://h:1/v1/ws"));
    assert_eq!(address("https://h"), None);
    assert_eq!(address("http://"), None);
}
