//! What leaves a log on Kafka.

use std::collections::BTreeSet;
use std::time::Instant;

use duolog_test_broker::Brokers;
use tempfile::TempDir;

use super::faults::{ring, under_load};
use super::readers::consumed;
use super::{on, prefix};
use crate::callbacks::endpoint;
use crate::callbacks::faults::{ids_are_stable, in_order};
use crate::callbacks::operator;
use crate::callbacks::receiver::{Answer, Receiver, Seen};
use crate::faults::kill::received;
use crate::harness::{PATIENCE, Server};

/// The receiver goes, the broker dies and comes back, the server is killed, twice; the receiver comes back and refuses the
/// first ones. Every message that took effect is told, with one id at every try, in the order of its sender.
#[test]
fn callbacks_outlive_their_receiver_the_server_and_the_broker() {
    let brokers = Brokers::start(1);
    let first = Receiver::start();
    let settings = on(&brokers, 2) + &endpoint(&first.url(), &["C2C.CallbackAfterSendMsg"]);
    let server = Server::start(&settings);
    let mut senders = ring(&server);
    let mut addr = first.addr;
    let mut seen: Vec<Seen> = Vec::new();
    let dir = under_load(server, &mut senders, || {
        first.taken(1);
        (addr, seen) = first.stop_and_tell();
        brokers.kill(0);
        brokers.restart(0);
    });
    let server = Server::start_in(dir, &settings);
    let mut refused = 0;
    let back = Receiver::start_at(addr, move |_| {
        refused += 1;
        if refused <= 10 { Answer::Status(503) } else { Answer::ok() }
    });
    let dir = under_load(server, &mut senders, || {
        brokers.kill(0);
        brokers.restart(0);
    });
    let server = Server::start_in(dir, &settings);

    let told = |seen: &[Seen], later: &[Seen]| {
        let taken = seen.iter().chain(later).filter(|one| one.taken);
        taken.map(|one| one.id().to_owned()).collect::<BTreeSet<_>>().len()
    };
    let read = || senders.iter().map(|sender| received(&server, &sender.to, &sender.from)).collect::<Vec<_>>();
    let (mut stored, began) = (read(), Instant::now());
    loop {
        let expected: usize = stored.iter().map(Vec::len).sum();
        let later = back.wait(|later| told(&seen, later) >= expected);
        // What nobody was answered may still be on its way between two homes.
        let before = std::mem::replace(&mut stored, read());
        if before == stored && told(&seen, &later) == expected || began.elapsed() > PATIENCE {
            seen.extend(later);
            break;
        }
    }
    ids_are_stable(&seen);
    let mut texts = in_order(&seen);
    for (sender, stored) in senders.iter().zip(stored) {
        let told: Vec<u32> =
            texts.remove(&sender.from).unwrap_or_default().iter().map(|text| text.parse().expect("a number")).collect();
        assert_eq!(told, stored, "of {}", sender.from);
    }
}

/// What is given up goes to a topic, where any program reads why; the operator's tool delivers it from there.
#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_stand_in_a_topic() {
    let brokers = Brokers::shared();
    let log = |dir: &TempDir| {
        let (addresses, topics) = (brokers.addresses(), prefix(dir));
        ["--kafka", &addresses, "--topic-prefix", &topics].map(str::to_owned).to_vec()
    };
    let look = |server: &Server| {
        let Some(letters) = consumed(brokers, &format!("{}dead-letters", prefix(&server.dir))) else { return };
        let reason = "\"reason\": \"no connection";
        assert!(letters.contains("dead.letter bob") && letters.contains(reason), "{letters}");
        assert_eq!(letters.lines().count(), 1, "{letters}");
        assert!(!server.dir.path().join("data/dead-letters").exists(), "and nowhere else");
    };
    operator::given_up(&on(brokers, 2), log, look).await;
}
