use serde_json::json;

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

/// A client that asks for 256 long pages at once and takes none holds a few of them, not all; then it gets all.
#[test]
fn answers_wait_for_the_socket() {
    let server = Server::start("limits.sends_per_second = 0");
    let [alice, bob] = server.accounts();
    let mut client = Client::online(&server, &alice, "a");
    let text = "x".repeat(7_000);
    let asked: Vec<u64> = (0..100).map(|_| client.ask("send", message(&bob, &text))).collect();
    asked.into_iter().for_each(|id| assert!(client.reply(id)["ok"].is_object()));
    client.ok("history", json!({"peer": bob}));
    let before = resident(&server);
    // Free requests overtake each other, so the server works on all of them.
    let asked: Vec<u64> = (0..255).map(|_| client.ask("sync", json!({"after": 0}))).collect();
    // Whoever is answered on another connection comes after what could be answered here.
    let mut other = Client::online(&server, &bob, "b");
    for _ in 0..50 {
        other.ok("sync", json!({"after": 0}));
    }
    let held = resident(&server).saturating_sub(before);
    assert!(held < 64 << 20, "{} MB for a client that takes nothing", held >> 20);
    asked.into_iter().for_each(|id| assert_eq!(client.reply(id)["ok"]["list"].as_array().map(Vec::len), Some(100)));
}
