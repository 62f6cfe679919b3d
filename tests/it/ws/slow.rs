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
