use std::collections::HashMap;

use serde_json::json;

use super::client::{Client, MSGPACK, login, message, text};
use crate::harness::{Server, body, random};

/// A server on which an account may have several devices.
fn multi() -> Server {
    Server::start("policy.login = 'multi'\npolicy.instances.other = 3\nlimits.sends_per_second = 0")
}

#[test]
fn two_people_chat() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let mut at_alice = Client::online(server, &alice, "a");
    let mut at_bob = Client::connect_with(server, &[MSGPACK]).unwrap();
    at_bob.log_in(&bob, "b", json!({}));
    at_bob.catch_up();

    let mut args = message(&bob, "hi");
    (args["custom"], args["need_receipt"], args["msg_seq"]) = (json!("c\"1"), json!(true), json!(7));
    let sent = at_alice.ok("send", args.clone());
    let entry = at_bob.entry();
    assert_eq!(entry["body"], args["body"]);
    for (field, value) in [
        ("from", json!(alice)),
        ("to", json!(bob)),
        ("key", sent["key"].clone()),
        ("time", sent["time"].clone()),
        ("custom", json!("c\"1")),
        ("random", args["random"].clone()),
        ("msg_seq", json!(7)),
        ("origin", json!("client")),
        ("flags", json!({"receipt_wanted": true})),
    ] {
        assert_eq!(entry[field], value, "{field}");
    }
    at_bob.say(&alice, "hi yourself");
    assert_eq!(text(&at_alice.entry()), "hi yourself");
    server.send("administrator", &alice, "from the office");
    assert_eq!(at_alice.entry()["origin"], "server");
}

#[test]
fn a_repeat_gets_the_first_answer_and_reaches_nobody() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "a"), Client::online(server, &bob, "b"));
    let args = message(&bob, "once");
    let first = at_alice.ok("send", args.clone());
    let mut again = Client::online(server, &alice, "a");
    assert_eq!(again.ok("send", args), first);
    again.say(&bob, "twice");
    assert_eq!((text(&at_bob.entry()), text(&at_bob.entry())), ("once", "twice"));
}

#[test]
fn the_sending_device_has_its_reply_and_the_others_a_push() {
    let server = multi();
    let [alice, bob] = server.accounts();
    let mut phone = Client::online(&server, &alice, "phone");
    let mut tablet = Client::connect(&server);
    tablet.log_in(&alice, "tablet", json!({"platform": "ipad"}));
    tablet.catch_up();
    let sent = phone.say(&bob, "hi");
    let entry = tablet.entry();
    assert_eq!((&entry["seq"], &entry["key"], &entry["peer_read"]), (&sent["seq"], &sent["key"], &json!(false)));
    tablet.say(&bob, "ho");
    // The phone's own message was no push to it, and is inside the span of the next.
    let push = phone.push("messages");
    assert_eq!(push["after"], 0);
    assert_eq!(text(&push["list"][0]), "ho");
}

#[test]
fn every_receiver_sees_a_sender_s_messages_in_the_order_of_their_replies() {
    const SENDERS: usize = 4;
    const MESSAGES: usize = 200;
    let server = multi();
    let [bob] = server.accounts();
    let senders: [String; SENDERS] = server.accounts();
    let mut at_bob = Client::online(&server, &bob, "b");
    let mut last: HashMap<String, usize> = HashMap::new();
    std::thread::scope(|scope| {
        for name in &senders {
            let (server, bob) = (&server, &bob);
            scope.spawn(move || {
                let mut client = Client::online(server, name, "s");
                let asked: Vec<u64> =
                    (0..MESSAGES).map(|number| client.ask("send", message(bob, &number.to_string()))).collect();
                let places: Vec<u64> =
                    asked.into_iter().map(|id| client.reply(id)["ok"]["seq"].as_u64().unwrap()).collect();
                assert!(places.is_sorted(), "replies in the order of the requests");
            });
        }
        let (mut cursor, mut seen) = (0, 0);
        while seen < SENDERS * MESSAGES {
            let push = at_bob.push("messages");
            assert_eq!((&push["after"], &push["offline"]), (&json!(cursor), &json!(false)));
            cursor = push["cursor"].as_u64().unwrap();
            for entry in push["list"].as_array().unwrap() {
                let next = last.entry(entry["from"].as_str().unwrap().to_owned()).or_default();
                assert_eq!(text(entry), next.to_string());
                *next += 1;
                seen += 1;
            }
        }
    });
}

#[test]
fn replies_and_pushes_leave_in_sequence_order() {
    let server = multi();
    let [alice, bob] = server.accounts();
    let mut at_alice = Client::online(&server, &alice, "a");
    let mut at_bob = Client::online(&server, &bob, "b");
    let mut waiting: Vec<u64> = (0..100).map(|_| at_alice.ask("send", message(&bob, "x"))).collect();
    (0..100).for_each(|_| {
        at_bob.ask("send", message(&alice, "y"));
    });
    let (mut highest, mut received) = (0, 0);
    while !waiting.is_empty() || received < 100 {
        let frame = at_alice.frame();
        let sequences: Vec<u64> = if frame["push"] == "messages" {
            let list = frame["data"]["list"].as_array().unwrap();
            received += list.len();
            list.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect()
        } else {
            assert_eq!(frame["id"], waiting.remove(0));
            vec![frame["ok"]["seq"].as_u64().unwrap()]
        };
        for sequence in sequences {
            assert!(sequence > highest, "{sequence} after {highest}");
            highest = sequence;
        }
    }
}

#[test]
fn an_online_only_message_reaches_who_is_there_and_is_kept_nowhere() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "a"), Client::online(server, &bob, "b"));
    let mut args = message(&bob, "typing");
    args["online_only"] = json!(true);
    let sent = at_alice.ok("send", args);
    assert_eq!(sent.get("seq"), None);
    let push = at_bob.push("messages");
    assert_eq!((&push["after"], &push["cursor"]), (&json!(0), &json!(0)));
    assert_eq!(push["list"][0].get("seq"), None);
    assert_eq!(push["list"][0]["flags"]["online_only"], true);
    let history = at_bob.ok("history", json!({"peer": alice, "limit": 10}));
    assert_eq!(history, json!({"list": [], "complete": true}));
}

#[test]
fn a_message_can_be_recalled_by_its_sender() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "a"), Client::online(server, &bob, "b"));
    let key = at_alice.say(&bob, "oops")["key"].clone();
    at_bob.entry();
    assert_eq!(at_bob.code("recall", json!({"peer": alice, "key": key})), 20_022);
    at_alice.ok("recall", json!({"peer": bob, "key": key}));
    for (client, peer) in [(&mut at_bob, &alice), (&mut at_alice, &bob)] {
        let entry = client.entry();
        let told = (&entry["type"], &entry["peer"], &entry["key"], &entry["by"]);
        assert_eq!(told, (&json!("recall"), &json!(peer), &key, &json!(alice)));
        let history = client.ok("history", json!({"peer": peer, "limit": 10}));
        assert_eq!(history["list"][0]["body"], json!([]));
        assert_eq!(history["list"][0]["flags"]["recalled"], true);
    }
    assert_eq!(at_alice.code("recall", json!({"peer": bob, "key": key})), 20_023);
    assert_eq!(at_alice.code("recall", json!({"peer": bob, "key": "1_2_3"})), 20_022);
    assert_eq!(at_alice.code("recall", json!({"peer": bob, "key": "x"})), 90_054);
}

#[test]
fn a_message_can_be_modified_by_its_sender() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "a"), Client::online(server, &bob, "b"));
    let key = at_alice.say(&bob, "before")["key"].clone();
    at_bob.entry();
    at_alice.ok("modify", json!({"peer": bob, "key": key, "body": body("after"), "custom": "c"}));
    for (client, peer) in [(&mut at_bob, &alice), (&mut at_alice, &bob)] {
        let entry = client.entry();
        assert_eq!((&entry["type"], &entry["peer"], &entry["key"]), (&json!("modify"), &json!(peer), &key));
        assert_eq!((text(&entry), &entry["custom"]), ("after", &json!("c")));
        let history = client.ok("history", json!({"peer": peer}));
        assert_eq!(text(&history["list"][0]), "after");
        assert_eq!(history["list"][0]["flags"], json!({"modified": true}));
    }
    assert_eq!(at_bob.code("modify", json!({"peer": alice, "key": key, "custom": "d"})), 20_022);
    assert_eq!(at_alice.code("modify", json!({"peer": bob, "key": key})), 60_003);
    assert_eq!(at_alice.code("modify", json!({"peer": bob, "key": key, "body": {}})), 90_007);
    let long = "c".repeat(8_192 - body("after").to_string().len() + 1);
    assert_eq!(at_alice.code("modify", json!({"peer": bob, "key": key, "custom": long})), 80_002, "the body stays");
}

#[test]
fn single_messages_are_receipted() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "a"), Client::online(server, &bob, "b"));
    let mut args = message(&bob, "read me");
    args["need_receipt"] = json!(true);
    let key = at_alice.ok("send", args)["key"].clone();
    at_bob.entry();
    at_bob.ok("receipt", json!({"peer": alice, "keys": [key]}));
    let entry = at_alice.entry();
    assert_eq!((&entry["type"], &entry["peer"], &entry["keys"]), (&json!("receipt"), &json!(bob), &json!([key])));
    assert_eq!(at_alice.ok("history", json!({"peer": bob}))["list"][0]["peer_read"], true);
    assert_eq!(at_bob.code("receipt", json!({"peer": alice, "keys": vec![key; 31]})), 60_003);
}

#[test]
fn friendship_and_mute_bind_clients_but_not_admins() {
    let server = Server::start("policy.friend_check = true");
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(&server, &alice, "a"), Client::online(&server, &bob, "b"));
    assert_eq!(at_alice.code("send", message(&bob, "x")), 20_009);
    assert_eq!(at_alice.ok("friend_add", json!({"account": bob, "remark": "r"}))["state"], "added");
    let told = at_bob.entry();
    assert_eq!((&told["type"], &told["kind"], &told["added"]), (&json!("relation"), &json!("friend"), &json!(true)));
    at_alice.say(&bob, "friends now");
    assert_eq!(text(&at_bob.entry()), "friends now");
    let mut admin = Client::connect(&server);
    admin.ok("login", login("administrator", "d", json!({})));
    admin.catch_up();
    admin.say(&bob, "from above");
    assert_eq!(text(&at_bob.entry()), "from above");
    let mute = json!({"Set_Account": alice, "C2CmsgNospeakingTime": 100});
    server.ok("openconfigsvr/setnospeaking", &mute);
    assert_eq!(at_alice.code("send", message(&bob, "x")), 20_012);
}

#[test]
fn whoever_is_blocked_sees_success_and_reaches_nobody() {
    let server = Server::shared();
    let [alice, bob, carol] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "a"), Client::online(server, &bob, "b"));
    let results = at_bob.ok("block", json!({"accounts": [alice, "nobody-of-this-name"]}));
    assert_eq!(results["results"][0], json!({"account": alice, "code": 0}));
    assert_eq!(results["results"][1]["code"], 30_003);
    let told = at_bob.entry();
    assert_eq!((&told["type"], &told["kind"], &told["added"]), (&json!("relation"), &json!("block"), &json!(true)));
    at_alice.say(&bob, "hello?");
    let list = at_bob.ok("blacklist", json!({}));
    assert_eq!(list["list"][0]["account"], json!(alice));
    at_bob.ok("unblock", json!({"accounts": [alice]}));
    at_bob.entry();
    at_alice.say(&bob, "now");
    assert_eq!(text(&at_bob.entry()), "now");
    let history = at_alice.ok("history", json!({"peer": bob}));
    assert_eq!(history["list"].as_array().unwrap().len(), 2);
    at_bob.ok("block", json!({"accounts": [carol]}));
}

#[test]
fn a_send_keeps_what_the_client_said_and_no_more() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let (mut at_alice, mut at_bob) = (Client::online(server, &alice, "a"), Client::online(server, &bob, "b"));
    let elements =
        json!([{"MsgType": "Own", "MsgContent": {"big": 12345678901234567890_u64, "half": 0.5, "no": null}}]);
    at_alice.ok(
        "send",
        json!({"to": bob, "random": random(), "body": elements, "no_unread": true, "no_last_message": true}),
    );
    let entry = at_bob.entry();
    assert_eq!(entry["body"], elements);
    assert_eq!(entry["flags"], json!({"no_unread": true, "no_last_message": true}));
    assert_eq!(at_bob.ok("recent_contacts", json!({})), json!({"list": [], "unread_total": 0}));
    assert_eq!(body("x")[0]["MsgType"], "TIMTextElem");
}
