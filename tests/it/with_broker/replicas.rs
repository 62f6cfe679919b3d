//! Three brokers, each message on two of them before its ack: what the death of one, and of two, does to senders.

use std::thread;
use std::time::{Duration, Instant};

use duolog_test_broker::Brokers;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, metadata::MetadataPartition};
use serde_json::{Value, json};

use super::faults::{nothing_is_lost_or_doubled, ring, under_load};
use super::{on, prefix, replay};
use crate::faults::kill::received;
use crate::faults::load::RETRY;
use crate::harness::{PATIENCE, Server, body};

const BROKERS: usize = 3;
const PARTITIONS: u32 = 3;

fn replicated(brokers: &Brokers) -> String {
    format!("{}log.kafka.replication = {BROKERS}\n", on(brokers, PARTITIONS))
}

/// The topic as the brokers that live see it.
struct Topic {
    name: String,
    client: BaseConsumer,
}

impl Topic {
    fn of(server: &Server, brokers: &Brokers) -> Self {
        let client = ClientConfig::new().set("bootstrap.servers", brokers.addresses()).create().expect("a client");
        Self { name: format!("{}events", prefix(&server.dir)), client }
    }

    /// Waits until every partition is as it should be.
    fn wait(&self, what: &str, holds: impl Fn(&MetadataPartition) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.client.fetch_metadata(Some(&self.name), Duration::from_secs(5));
            let topic = found.as_ref().ok().and_then(|found| found.topics().first());
            if topic.is_some_and(|topic| topic.partitions().iter().all(&holds)) {
                return;
            }
            assert!(Instant::now() < until, "{} never was so: {what}", self.name);
        }
    }

    fn wait_for_all_replicas(&self) {
        self.wait("all replicas in sync", |partition| partition.isr().len() == BROKERS && partition.leader() >= 0);
    }
}

/// The broker at a place in the cluster, as Kafka numbers it.
fn id(broker: usize) -> i32 {
    i32::try_from(broker + 1).expect("a small number")
}

/// Every broker dies once under load, and comes back; the leaders move. Every acked message is there once, in order, the
/// live rows are those that the log makes, and a server without its state makes them again.
#[test]
fn the_death_of_one_broker_of_three_loses_no_acked_message() {
    let brokers = Brokers::start(BROKERS);
    let settings = replicated(&brokers);
    let server = Server::start(&settings);
    let mut senders = ring(&server);
    let (topic, topics) = (Topic::of(&server, &brokers), prefix(&server.dir));
    topic.wait_for_all_replicas();
    let dir = under_load(server, &mut senders, || {
        for broker in 0..BROKERS {
            brokers.kill(broker);
            let led = |partition: &MetadataPartition| partition.leader() >= 0 && partition.leader() != id(broker);
            topic.wait("led by another broker", led);
            brokers.restart(broker);
            topic.wait_for_all_replicas();
        }
    });
    assert!(replay(&dir, &brokers, &topics, &["verify"]).starts_with("equal"));
    std::fs::remove_dir_all(dir.path().join("data/state")).expect("the state is there");
    let server = Server::start_in(dir, &settings);
    nothing_is_lost_or_doubled(&server, &senders);
}

/// With one broker of three left a send gets a code that asks for a retry, and no ack. When the others are back the same
/// send is taken, and counts once, though the first try may have been written.
#[test]
fn with_too_few_replicas_a_send_is_answered_with_a_code_to_retry() {
    let brokers = Brokers::start(BROKERS);
    let server = Server::start(&replicated(&brokers));
    // Enough of them for every partition to be some sender's home.
    let people: [String; 8] = server.accounts();
    let to = &people[0];
    let (topic, topics) = (Topic::of(&server, &brokers), prefix(&server.dir));
    topic.wait_for_all_replicas();
    let request = |from: &String, number: u32| {
        json!({"From_Account": from, "To_Account": to, "MsgRandom": number, "MsgSeq": 1, "SyncOtherMachine": 1,
            "MsgBody": body(&number.to_string())})
    };
    let all_at_once = |number: u32| -> Vec<u64> {
        thread::scope(|scope| {
            let server = &server;
            let sends: Vec<Value> = people.iter().map(|from| request(from, number)).collect();
            let sends = sends.into_iter().map(|send| scope.spawn(move || server.code("openim/sendmsg", &send)));
            let sends: Vec<_> = sends.collect();
            sends.into_iter().map(|send| send.join().expect("it is answered")).collect()
        })
    };
    assert_eq!(all_at_once(1), [0; 8]);
    brokers.kill(1);
    brokers.kill(2);
    for code in all_at_once(2) {
        assert!(RETRY.contains(&code), "{code}");
    }
    brokers.restart(1);
    brokers.restart(2);
    topic.wait_for_all_replicas();
    let until = Instant::now() + PATIENCE;
    while all_at_once(2).iter().any(|code| *code != 0) {
        assert!(Instant::now() < until, "it does not recover");
    }
    assert_eq!(all_at_once(3), [0; 8]);
    for from in &people[1..] {
        assert_eq!(received(&server, to, from), [1, 2, 3], "from {from}");
    }
    let dir = server.stop();
    assert!(replay(&dir, &brokers, &topics, &["verify"]).starts_with("equal"));
}
