//! A server whose brokers go and come back, and one that is killed.

use std::sync::mpsc;
use std::time::Instant;

use duolog_test_broker::Brokers;
use serde_json::json;
use tempfile::TempDir;

use super::on;
use crate::faults::kill::received;
use crate::faults::load::{RETRY, Sender};
use crate::harness::{PATIENCE, Server, body};

const SENDERS: usize = 4;
const ACKS: usize = 200;

/// So many senders in a ring.
pub fn ring(server: &Server) -> Vec<Sender> {
    let people: [String; SENDERS] = server.accounts();
    (0..SENDERS).map(|place| Sender::new(&people[place], &people[(place + 1) % SENDERS])).collect()
}

/// Lets the senders go on until they have had so many acks after `fault` began, then ends the server.
pub fn under_load(server: Server, senders: &mut [Sender], fault: impl FnOnce() + Send) -> TempDir {
    let addr = server.addr;
    std::thread::scope(|scope| {
        let (told, heard) = mpsc::channel();
        for sender in senders {
            let told = told.clone();
            scope.spawn(move || sender.send_on(addr, &told));
        }
        drop(told);
        let had = |acks| (0..acks).take_while(|_| heard.recv().is_ok()).count();
        assert_eq!(had(ACKS), ACKS);
        let fault = scope.spawn(fault);
        fault.join().expect("the fault is made and mended");
        // Acks from before the fault may still wait to be heard; these are more than those.
        while heard.try_recv().is_ok() {}
        assert_eq!(had(ACKS), ACKS, "it goes on by itself");
        server.kill()
    })
}

pub fn nothing_is_lost_or_doubled(server: &Server, senders: &[Sender]) {
    for sender in senders {
        let received = received(server, &sender.to, &sender.from);
        assert_eq!(received[..sender.acked.len()], sender.acked, "from {} to {}", sender.from, sender.to);
        // The last one may have been written without an answer.
        assert!(received.len() <= sender.acked.len() + 1, "nothing is there twice");
    }
}

/// A broker dies and comes back under load. Meanwhile senders hear codes that mean "again" and go on; every acked message is
/// there once, in order, also for a server that is killed and starts without its state.
#[test]
fn a_broker_that_dies_and_comes_back_loses_no_acked_message() {
    let brokers = Brokers::start(1);
    let settings = on(&brokers, 2);
    let server = Server::start(&settings);
    let mut senders = ring(&server);
    let dir = under_load(server, &mut senders, || {
        brokers.kill(0);
        brokers.restart(0);
    });
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let server = Server::start_in(dir, &settings);
    nothing_is_lost_or_doubled(&server, &senders);
}

/// While no broker answers a send gets a code that asks for a retry, and the retry counts once.
#[test]
fn without_a_broker_a_send_is_answered_with_a_code_to_retry() {
    let brokers = Brokers::start(1);
    let server = Server::start(&on(&brokers, 1));
    let [alice, bob]: [String; 2] = server.accounts();
    brokers.kill(0);
    let request = json!({"From_Account": alice, "To_Account": bob, "MsgRandom": 77, "MsgSeq": 1,
        "MsgBody": body("1")});
    let code = server.code("openim/sendmsg", &request);
    assert!(RETRY.contains(&code), "{code}");
    brokers.restart(0);
    let until = Instant::now() + PATIENCE;
    while server.code("openim/sendmsg", &request) != 0 {
        assert!(Instant::now() < until, "it does not recover");
    }
    assert_eq!(received(&server, &bob, &alice), [1]);
    server.stop();
}
