use std::collections::{BTreeMap, BTreeSet};

use duolog_test_broker::Brokers;
use serde_json::json;

use super::{PARTITIONS, PROBE, Shared, serving};
use crate::callbacks::endpoint;
use crate::callbacks::receiver::{Receiver, Seen};
use crate::harness::{Server, body};

const BEFORE_SEND: &str = "C2C.CallbackBeforeSendMsg";
const AFTER_SEND: &str = "C2C.CallbackAfterSendMsg";

fn send(node: &Server, from: &str, to: &str, number: u32) {
    let request = json!({"From_Account": from, "To_Account": to, "MsgRandom": number, "MsgSeq": 1,
        "MsgBody": body(&number.to_string())});
    node.ok("openim/sendmsg", &request);
}

/// How often each command came for each message, and under which ids.
fn came(seen: &[Seen]) -> BTreeMap<(&str, &str, &str), (usize, BTreeSet<&str>)> {
    let mut came: BTreeMap<_, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for one in seen.iter().filter(|one| one.said() != PROBE) {
        let to = one.body["To_Account"].as_str().expect("an account");
        let (times, ids) = came.entry((one.command(), to, one.said())).or_default();
        *times += 1;
        ids.insert(one.id());
    }
    came
}

/// A message is asked about once, by the owner of its sender's home, whichever node it came in at; and when partitions move
/// as planned, their callbacks go on.
#[test]
fn a_message_is_asked_about_once_and_told_wherever_its_partition_goes() {
    let receiver = Receiver::start();
    let shared = Shared::on(Brokers::shared(), PARTITIONS, &endpoint(&receiver.url(), &[BEFORE_SEND, AFTER_SEND]));
    let mut nodes = shared.nodes(2);
    let names: [String; 8] = nodes[0].accounts();
    let round = |nodes: &[Server], number: u32| {
        for (at, from) in names.iter().enumerate() {
            send(&nodes[at % nodes.len()], from, &names[(at + 1) % names.len()], number);
        }
    };
    round(&nodes, 0);

    // What the first one had goes to the second, and some of it back.
    let dir = nodes.remove(0).stop();
    serving(&nodes[0], &names);
    round(&nodes, 1);
    nodes.insert(0, shared.node_in(dir));
    for node in &nodes {
        serving(node, &names);
    }
    round(&nodes, 2);
    let told = |seen: &[Seen]| came(seen).keys().filter(|(command, _, _)| *command == AFTER_SEND).count();
    receiver.wait(|seen| told(seen) == 3 * names.len());
    let verified: u32 = nodes.into_iter().map(|node| shared.verify(&node.stop())).sum();
    assert!(verified >= PARTITIONS);
    let seen = receiver.seen();
    let came = came(&seen);
    assert_eq!(came.len(), 2 * 3 * names.len());
    for ((command, to, said), (times, ids)) in came {
        assert_eq!(ids.len(), 1, "{command} of {said} to {to}");
        assert!(command == AFTER_SEND || times == 1, "{said} to {to} was asked about {times} times");
    }
}
