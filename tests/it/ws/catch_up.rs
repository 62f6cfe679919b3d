use serde_json::{Value, json};

use super::client::{Client, message, text};
use crate::harness::Server;

/// Sends so many texts, numbered, with many of them on their way at once.
fn send_all(client: &mut Client, to: &str, count: usize) {
    let numbers: Vec<usize> = (0..count).collect();
    for numbers in numbers.chunks(200) {
        let asked: Vec<u64> =
            numbers.iter().map(|number| client.ask("send", message(to, &number.to_string()))).collect();
        asked.into_iter().for_each(|id| assert!(client.reply(id)["ok"].is_object()));
    }
}

fn texts(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(text).collect()
}

#[test]
fn what_came_while_a_device_was_away_is_pushed_in_pages() {
    const COUNT: usize = 250;
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let mut at_alice = Client::online(server, &alice, "a");
    send_all(&mut at_alice, &bob, COUNT);
    let mut at_bob = Client::connect(server);
    let ok = at_bob.log_in(&bob, "b", json!({}));
    assert_eq!((&ok["cursor"], &ok["head"]), (&json!(0), &json!(COUNT)));
    let page = at_bob.push("messages");
    assert_eq!(page["list"].as_array().unwrap().len(), 200);
    assert_eq!((&page["after"], &page["cursor"], &page["more"]), (&json!(0), &json!(200), &json!(true)));
    // Nothing follows before the ack: a reply comes first.
    at_bob.ok("ping", json!({}));
    at_bob.ok("ack", json!({"cursor": 200}));
    let page = at_bob.push("messages");
    assert_eq!((&page["after"], &page["cursor"], &page["more"]), (&json!(200), &json!(COUNT), &json!(false)));
    assert_eq!(texts(page["list"].as_array().unwrap())[0], "200");
    let contacts = at_bob.push("recent_contacts");
    let item = &contacts["list"][0];
    assert_eq!((&contacts["full"], &contacts["unread_total"]), (&json!(true), &json!(COUNT)));
    assert_eq!((&item["peer"], &item["unread"], text(&item["last"])), (&json!(alice), &json!(COUNT), "249"));
    assert_eq!(item["last"]["seq"], COUNT);
    assert_eq!(at_bob.push("refresh")["cursor"], COUNT);
    at_alice.say(&bob, "live");
    assert_eq!(text(&at_bob.entry()), "live");
}

#[test]
fn a_device_comes_back_to_where_it_was() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    let mut at_alice = Client::online(server, &alice, "a");
    let mut at_bob = Client::connect(server);
    let first = at_bob.log_in(&bob, "b", json!({}));
    at_bob.catch_up();
    send_all(&mut at_alice, &bob, 3);
    let mut cursor = 0;
    while cursor < 3 {
        cursor = at_bob.push("messages")["cursor"].as_u64().unwrap();
    }
    at_bob.ok("ack", json!({"cursor": 2}));
    drop(at_bob);

    // The gateway knows what was acked.
    let mut at_bob = Client::connect(server);
    let again = at_bob.log_in(&bob, "b", json!({"session": first["session"]}));
    assert_eq!((&again["timeline"], &again["cursor"]), (&first["timeline"], &json!(2)));
    assert_eq!(texts(&at_bob.catch_up().0), ["2"]);
    drop(at_bob);

    // The client knows better.
    let mut at_bob = Client::connect(server);
    let stored = json!({"session": again["session"], "timeline": first["timeline"], "cursor": 1});
    assert_eq!(at_bob.log_in(&bob, "b", stored)["cursor"], 1);
    assert_eq!(texts(&at_bob.catch_up().0), ["1", "2"]);
    drop(at_bob);

    // What the client has is of another timeline: it counts as a new device, from the inbox floor.
    let mut at_bob = Client::connect(server);
    let foreign = json!({"timeline": "another", "cursor": 3});
    assert_eq!(at_bob.log_in(&bob, "b", foreign)["cursor"], 2);
    assert_eq!(at_bob.push("messages")["cursor"], 3);
    assert_eq!(at_bob.push("recent_contacts")["full"], true);
}

#[test]
fn messages_that_come_during_the_catch_up_are_neither_lost_nor_doubled() {
    const COUNT: usize = 1_000;
    let server = Server::start("limits.sends_per_second = 0");
    let [alice, bob] = server.accounts();
    let mut at_alice = Client::online(&server, &alice, "a");
    send_all(&mut at_alice, &bob, COUNT / 2);
    std::thread::scope(|scope| {
        let bob_name = &bob;
        scope.spawn(move || {
            for number in COUNT / 2..COUNT {
                at_alice.say(bob_name, &number.to_string());
            }
        });
        let mut at_bob = Client::connect(&server);
        at_bob.log_in(&bob, "b", json!({}));
        let (mut entries, mut cursor) = at_bob.catch_up();
        while entries.len() < COUNT {
            let push = at_bob.push("messages");
            assert_eq!((&push["after"], &push["offline"]), (&json!(cursor), &json!(false)));
            cursor = push["cursor"].as_u64().unwrap();
            entries.extend(push["list"].as_array().unwrap().iter().cloned());
        }
        let expected: Vec<String> = (0..COUNT).map(|number| number.to_string()).collect();
        assert_eq!(texts(&entries), expected);
    });
}

#[test]
fn sync_gives_what_lies_after_any_cursor() {
    let server = Server::shared();
    let [alice, bob] = server.accounts();
    send_all(&mut Client::online(server, &alice, "a"), &bob, 5);
    let mut at_bob = Client::online(server, &bob, "b");
    let page = at_bob.ok("sync", json!({"after": 1, "limit": 2}));
    assert_eq!(texts(page["list"].as_array().unwrap()), ["1", "2"]);
    assert_eq!((&page["cursor"], &page["more"]), (&json!(3), &json!(true)));
    let page = at_bob.ok("sync", json!({"after": 3, "limit": 2}));
    assert_eq!((&page["cursor"], &page["more"]), (&json!(5), &json!(false)));
    assert_eq!(at_bob.ok("sync", json!({"after": 5, "limit": 2})), json!({"list": [], "cursor": 5, "more": false}));
}

#[test]
fn a_restart_of_the_server_keeps_messages_cursors_and_sessions() {
    let server = Server::start("");
    let [alice, bob] = server.accounts();
    let mut at_alice = Client::connect(&server);
    let session = at_alice.log_in(&alice, "a", json!({}));
    at_alice.catch_up();
    let sent = at_alice.say(&bob, "before");
    let again = message(&bob, "again");
    let first = at_alice.ok("send", again.clone());
    let directory = {
        let stopping = std::thread::spawn(move || server.stop());
        assert_eq!(at_alice.closed().0, 1001);
        stopping.join().unwrap()
    };
    let server = Server::start_in(directory, "");
    let mut at_alice = Client::connect(&server);
    let stored = json!({"session": session["session"], "timeline": session["timeline"], "cursor": 0});
    let ok = at_alice.log_in(&alice, "a", stored);
    assert_eq!((&ok["timeline"], &ok["cursor"], &ok["head"]), (&session["timeline"], &json!(0), &json!(2)));
    let entries = at_alice.catch_up().0;
    assert_eq!((&entries[0]["key"], &entries[1]["key"]), (&sent["key"], &first["key"]));
    assert_eq!(at_alice.ok("send", again), first);
    let mut at_bob = Client::connect(&server);
    at_bob.log_in(&bob, "b", json!({}));
    assert_eq!(texts(&at_bob.catch_up().0), ["before", "again"]);
}
