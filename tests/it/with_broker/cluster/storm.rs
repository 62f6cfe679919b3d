use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use duolog_test_broker::Brokers;
use serde_json::json;

use super::load::{Addresses, Load, addresses};
use super::{NODES, PARTITIONS, PROBE, Shared, history, serving};
use crate::callbacks::endpoint;
use crate::callbacks::receiver::{Receiver, Seen};
use crate::faults::kill::mixed;
use crate::harness::{Server, now, unused};

const AFTER_SEND: &str = "C2C.CallbackAfterSendMsg";
/// Acks of each sender between two faults.
const ACKS: u32 = 20;

/// What becomes of a node, or of the broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// Its partitions are served by others before it comes back.
    Kill,
    /// It comes back before anybody has missed it.
    KillBriefly,
    /// It stands still for longer than the group waits, and wakes up as the owner of what is not its own any more.
    Pause,
    /// It is asked to stop, and comes back later.
    Stop,
    /// It is killed and comes back.
    Broker,
    /// The broker and a node at once.
    BrokerAndNode,
}

const FAULTS: [Fault; 6] =
    [Fault::Kill, Fault::KillBriefly, Fault::Pause, Fault::Stop, Fault::Broker, Fault::BrokerAndNode];

/// Nodes on one log, and who is sent to.
struct Town<'a> {
    shared: &'a Shared<'a>,
    nodes: Vec<Server>,
    names: &'a [String],
    addresses: Addresses,
}

impl Town<'_> {
    fn strike(&mut self, fault: Fault, victim: usize) {
        let brokers = self.shared.brokers;
        match fault {
            Fault::Kill => {
                let dir = self.nodes.remove(victim).kill();
                println!("  others serve after {:?}", serving(&self.nodes[0], self.names));
                self.come_back(victim, self.shared.node_in(dir));
            }
            Fault::KillBriefly => {
                let dir = self.nodes.remove(victim).kill();
                self.come_back(victim, self.shared.node_in(dir));
            }
            Fault::Pause => {
                self.nodes[victim].signal(libc::SIGSTOP);
                let other = &self.nodes[(victim + 1) % NODES];
                println!("  others serve after {:?}", serving(other, self.names));
                self.nodes[victim].signal(libc::SIGCONT);
            }
            Fault::Stop => {
                let dir = self.nodes.remove(victim).stop();
                serving(&self.nodes[0], self.names);
                self.come_back(victim, self.shared.node_in(dir));
            }
            Fault::Broker => {
                brokers.kill(0);
                brokers.restart(0);
            }
            Fault::BrokerAndNode => {
                brokers.kill(0);
                let dir = self.nodes.remove(victim).kill();
                brokers.restart(0);
                self.come_back(victim, self.shared.node_in(dir));
            }
        }
        for node in &self.nodes {
            serving(node, self.names);
        }
    }

    fn come_back(&mut self, place: usize, node: Server) {
        self.nodes.insert(place, node);
        *self.addresses.write().expect("no thread panics") = addresses(&self.nodes);
    }
}

/// Nodes and the broker die, stand still, stop and come back, while accounts are sent to over all nodes. In the end every
/// inbox holds exactly what was acked, in the order of each sender, on every node; callbacks told of all of it in that order;
/// and the state of every partition is what the log says.
#[test]
fn no_message_is_lost_or_doubled_whatever_becomes_of_nodes_and_broker() {
    let seed = std::env::var("DUOLOG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(now);
    println!("DUOLOG_SEED={seed}");
    let brokers = Brokers::start(1);
    let receiver = Receiver::start();
    let shared = Shared::on(&brokers, PARTITIONS, &endpoint(&receiver.url(), &[AFTER_SEND]));
    let nodes = shared.nodes(NODES);
    let names: Vec<String> = (0..8).map(|_| unused()).collect();
    nodes[0].ok("im_open_login_svc/multiaccount_import", &json!({"Accounts": names}));
    let addresses = Arc::new(RwLock::new(addresses(&nodes)));
    let pairs = (0..4).map(|at| (names[at].clone(), vec![names[4 + at].clone(), names[4 + (at + 1) % 4].clone()]));
    let load = Load::start(&addresses, pairs.collect());
    let mut town = Town { shared: &shared, nodes, names: &names, addresses };
    load.more(ACKS);
    let mut faults = FAULTS.to_vec();
    faults.sort_by_key(|fault| mixed(seed, *fault as u64));
    for (round, fault) in (0..).zip(faults) {
        let victim = (mixed(seed, 100 + round) % NODES as u64) as usize;
        println!("{fault:?}, node {victim}");
        town.strike(fault, victim);
        load.more(ACKS);
    }

    let sent = load.end();
    for (from, to, count) in &sent {
        let expected: Vec<String> = (0..*count).map(|number| number.to_string()).collect();
        for node in &town.nodes {
            let mut found = history(node, to, from);
            found.retain(|text| text != PROBE);
            assert_eq!(found, expected, "from {from} to {to}");
        }
    }
    let told = |seen: &[Seen]| seen.iter().filter(|one| one.said() != PROBE).count();
    let all: u32 = sent.iter().map(|(_, _, count)| count).sum();
    let seen = receiver
        .wait(|seen| told(seen) >= all as usize && firsts(seen).values().map(Vec::len).sum::<usize>() == all as usize);
    println!("{all} messages, told {} times", told(&seen));
    let firsts = firsts(&seen);
    for (from, to, count) in sent {
        let expected: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        assert_eq!(firsts[&(from.clone(), to.clone())], expected, "callbacks, from {from} to {to}");
    }

    let equal: u32 = town.nodes.into_iter().map(|node| shared.verify(&node.stop())).sum();
    assert!(equal >= PARTITIONS, "each partition has a state somewhere");
}

/// What was told of each sender and receiver when it came for the first time. What came again has the same id, and no other
/// message has it.
fn firsts(seen: &[Seen]) -> HashMap<(String, String), Vec<String>> {
    let mut firsts: HashMap<_, Vec<String>> = HashMap::new();
    let mut ids = HashMap::new();
    for one in seen.iter().filter(|one| one.said() != PROBE) {
        let name = |member: &str| one.body[member].as_str().expect("an account").to_owned();
        let message = (name("From_Account"), name("To_Account"), one.said().to_owned());
        match ids.insert(one.id().to_owned(), message.clone()) {
            Some(before) => assert_eq!(before, message, "the id {} is of one message", one.id()),
            None => firsts.entry((message.0, message.1)).or_default().push(message.2),
        }
    }
    firsts
}
