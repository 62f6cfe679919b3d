use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, message};
use crate::harness::Server;

/// The counter of connections that were ended with 4002.
fn stalled(server: &Server) -> u64 {
    let page = server.get("/metrics").body;
    let line = page.lines().find(|line| line.starts_with("duolog_ws_closes_total{code=\"4002\"}"));
    line.and_then(|line| line.rsplit(' ').next()).map_or(0, |count| count.parse().expect("a number"))
}

/// A client that takes nothing holds up nobody; after half a minute it is cut off, and finds why when it looks again.
#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    let server = Server::start("limits.sends_per_second = 0");
    let [alice, bob] = server.accounts();
    let mut at_alice = Client::online(&server, &alice, "a");
    let mut at_bob = Client::online(&server, &bob, "b");
    let text = "x".repeat(7_000);
    // More than the buffers of both sides of a socket take.
    for _ in 0..40 {
        let asked: Vec<u64> = (0..50).map(|_| at_alice.ask("send", message(&bob, &text))).collect();
        asked.into_iter().for_each(|id| assert!(at_alice.reply(id)["ok"].is_object()));
    }
    // The gateway pings who is quiet every 25 seconds: the second time, 30 are over.
    at_alice.pinged();
    at_alice.pinged();
    assert_eq!(stalled(&server), 1);
    assert_eq!(at_bob.closed().0, 4002);
}

/// What the server holds in memory now, in bytes.
fn resident(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line about memory");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

/// Who is online, having sent 100 long messages to somebody.
fn talkative(server: &Server) -> (Client, String) {
    let [alice, bob] = server.accounts();
    let mut client = Client::online(server, &alice, "a");
    let text = "x".repeat(7_000);
    let asked: Vec<u64> = (0..100).map(|_| client.ask("send", message(&bob, &text))).collect();
    asked.into_iter().for_each(|id| assert!(client.reply(id)["ok"].is_object()));
    (client, bob)
}

/// Asks for long pages without taking one; gives what was asked when the server has answered as much as it can.
fn ask_for_pages(server: &Server, client: &mut Client, other: &str) -> Vec<u64> {
    // Free requests overtake each other, so the server works on all of them.
    let asked = (0..255).map(|_| client.ask("sync", json!({"after": 0}))).collect();
    // Whoever is answered on another connection comes after what could be answered here.
    let mut other = Client::online(server, other, "b");
    for _ in 0..50 {
        other.ok("sync", json!({"after": 0}));
    }
    asked
}

/// How many items a page has.
fn count(page: &Value) -> usize {
    page["list"].as_array().map_or(0, Vec::len)
}

/// A client that asks for 256 long pages at once and takes none holds a few of them, not all; then it gets all.
#[test]
fn answers_wait_for_the_socket() {
    let server = Server::start("limits.sends_per_second = 0");
    let (mut client, bob) = talkative(&server);
    client.ok("history", json!({"peer": bob}));
    let before = resident(&server);
    let asked = ask_for_pages(&server, &mut client, &bob);
    let held = resident(&server).saturating_sub(before);
    assert!(held < 24 << 20, "{} MB for a client that takes nothing", held >> 20);
    asked.into_iter().for_each(|id| assert!(count(&client.reply(id)["ok"]) > 0));
}

/// A page is one frame: on a slow link a long one is not taken before the client counts as one that takes nothing.
#[test]
fn long_messages_make_short_pages_and_none_is_left_out() {
    let server = Server::start("limits.sends_per_second = 0");
    let (mut client, bob) = talkative(&server);
    let (seen, oldest) = history(&mut client, &bob, "before", Value::Null);
    assert_eq!(seen, 100);
    assert_eq!(history(&mut client, &bob, "after", oldest).0, 99);
    let (mut seen, mut after) = (0, json!(0));
    loop {
        let page = client.ok("sync", json!({"after": after, "limit": 200}));
        assert!((1..=20).contains(&count(&page)), "{}", count(&page));
        (seen, after) = (seen + count(&page), page["cursor"].clone());
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, 100);
}

/// Follows the pages of a history from a place on; how many messages they hold, and the first key of the last page.
fn history(client: &mut Client, peer: &str, way: &str, mut from: Value) -> (usize, Value) {
    let mut seen = 0;
    loop {
        let page = client.ok("history", json!({"peer": peer, "limit": 100, way: from}));
        assert!((1..=20).contains(&count(&page)), "{}", count(&page));
        seen += count(&page);
        match page.get("next") {
            Some(next) => from = next.clone(),
            None => return (seen, page["list"][0]["key"].clone()),
        }
    }
}

/// A client that takes nothing and is owed answers holds up no server that stops: that would wait for 10 seconds.
#[test]
fn the_end_does_not_wait_for_a_client_that_takes_nothing() {
    let server = Server::start("limits.sends_per_second = 0");
    let (mut client, bob) = talkative(&server);
    ask_for_pages(&server, &mut client, &bob);
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
