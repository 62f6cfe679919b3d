//! Several nodes of the real program on one log on a real Kafka.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use duolog_test_broker::Brokers;
use serde_json::{Value, json};

use crate::faults::load::Connection;
use crate::harness::{Server, body, random, unused};
use crate::ws::client::Client;

const NODES: usize = 3;
const PARTITIONS: u32 = 6;
/// What is sent to see whether somebody is served.
const PROBE: &str = "probe";

/// What makes servers nodes of one log.
fn settings() -> String {
    let log = super::on(Brokers::shared(), PARTITIONS);
    format!("{log}log.kafka.topic_prefix = '{}'\npolicy.login = 'multi'", Brokers::topic_prefix())
}

fn nodes(settings: &str) -> Vec<Server> {
    (0..NODES).map(|_| Server::start(settings)).collect()
}

/// The texts that one has got from another, oldest first, as a node tells it.
fn history(node: &Server, of: &str, from: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let (mut key, mut until) = (None::<String>, u64::from(u32::MAX));
    loop {
        let mut request = json!({"Operator_Account": of, "Peer_Account": from, "MaxCnt": 100, "MinTime": 0,
            "MaxTime": until});
        if let Some(key) = &key {
            request["LastMsgKey"] = json!(key);
        }
        let reply = node.ok("openim/admin_getroammsg", &request);
        let list = reply["MsgList"].as_array().expect("a list").clone();
        let got = list.iter().rev().filter(|message| message["From_Account"] == *from);
        texts.extend(
            got.map(|message| message["MsgBody"][0]["MsgContent"]["Text"].as_str().expect("a text").to_owned()),
        );
        if reply["Complete"] == 1 {
            texts.reverse();
            return texts;
        }
        key = reply["LastMsgKey"].as_str().map(str::to_owned);
        until = reply["LastMsgTime"].as_u64().expect("a time");
    }
}

#[test]
fn it_is_the_same_whichever_node_is_asked() {
    let nodes = nodes(&settings());
    let names: [String; 12] = nodes[0].accounts();
    // Somebody is online at each node, wherever his home is.
    let mut online: Vec<Client> =
        names.iter().zip(0..).map(|(name, at): (_, usize)| Client::online(&nodes[at % NODES], name, "phone")).collect();
    for (at, from) in names.iter().enumerate() {
        let to = (at + 1) % names.len();
        let text = format!("from {from}");
        nodes[(at + 1) % NODES].send(from, &names[to], &text);
        // Behind what he has sent and got before.
        while online[to].entry()["body"][0]["MsgContent"]["Text"] != *text {}
        // Over the client protocol as well, and the sender's other entries are out of the way.
        let said = online[to].say(from, "and back");
        assert!(said["seq"].is_u64(), "{said}");
    }
    for (at, name) in names.iter().enumerate() {
        let from = &names[(at + names.len() - 1) % names.len()];
        for node in &nodes {
            assert_eq!(history(node, name, from), [format!("from {from}")], "{name}");
        }
    }
    let states = json!({"To_Account": names});
    for node in &nodes {
        let reply = node.ok("openim/query_online_status", &states);
        let list = reply["QueryResult"].as_array().expect("a list");
        assert!(list.iter().all(|state| state["Status"] == "Online"), "{reply}");
    }
    let batch =
        json!({"From_Account": names[0], "To_Account": names[1..], "MsgRandom": random(), "MsgBody": body("all")});
    nodes[2].ok("openim/batchsendmsg", &batch);
    nodes[1].ok("im_open_login_svc/kick", &json!({"UserID": names[11]}));
    assert_eq!(online[11].closed().0, 4001);
}

/// A sender that sends its numbers one after the other, each until it is acked, over whichever node answers.
fn sender(
    from: String,
    to: Vec<String>,
    nodes: Arc<RwLock<Vec<SocketAddr>>>,
    done: Arc<AtomicBool>,
) -> JoinHandle<u32> {
    std::thread::spawn(move || {
        let mut number = 0;
        let mut turn = usize::try_from(random()).expect("a number");
        while !done.load(Ordering::Acquire) {
            for to in &to {
                let request = json!({"From_Account": from, "To_Account": to, "MsgRandom": number, "MsgSeq": 1,
                    "MsgBody": body(&number.to_string())});
                // Each message comes in at another node, and a try that was not acked goes on to the next one.
                loop {
                    turn += 1;
                    let addr = nodes.read().expect("no thread panics")[turn % NODES];
                    let Ok(mut connection) = Connection::open(addr) else { continue };
                    connection.wait_only(Duration::from_secs(3)).expect("it can be set");
                    let reply: Option<Value> = connection.call("openim/sendmsg", &request);
                    match reply.map(|reply| reply["ErrorCode"].as_u64().unwrap_or(0)) {
                        Some(0) => break,
                        // Busy, moving, unknown, or no answer: again, with the same key.
                        Some(60007 | 60008) | None => {}
                        Some(other) => panic!("{from} to {to}: {other}"),
                    }
                }
            }
            number += 1;
        }
        number
    })
}

/// Waits until every account can be sent to again over one node; how long it took.
fn serving(node: &Server, names: &[String]) -> Duration {
    let began = Instant::now();
    for (name, to) in names.iter().zip(names.iter().cycle().skip(1)) {
        loop {
            let request =
                json!({"From_Account": name, "To_Account": to, "MsgRandom": random(), "MsgBody": body(PROBE)});
            if node.call("openim/sendmsg", &request)["ErrorCode"] == 0 {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{name} is not served");
        }
    }
    began.elapsed()
}

/// Nodes die, come back, stand still and wake up, while every account is sent to over all of them.
#[test]
fn no_message_is_lost_or_doubled_whatever_becomes_of_a_node() {
    let settings = settings();
    let mut servers = nodes(&settings);
    let names: Vec<String> = (0..8).map(|_| unused()).collect();
    servers[0].ok("im_open_login_svc/multiaccount_import", &json!({"Accounts": names}));
    let addresses = Arc::new(RwLock::new(servers.iter().map(|server| server.addr).collect::<Vec<_>>()));
    let done = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4)
        .map(|at| (names[at].clone(), vec![names[4 + at].clone(), names[4 + (at + 1) % 4].clone()]))
        .map(|(from, to)| (from.clone(), to.clone(), sender(from, to, addresses.clone(), done.clone())))
        .collect();

    // One dies and comes back only when the others serve its accounts.
    let survivor = servers.remove(2);
    let dir = servers.remove(0).kill();
    let took = serving(&survivor, &names);
    println!("served again {took:?} after a node's death");
    let back = Server::start_in(dir, &settings);
    servers.insert(0, back);
    servers.push(survivor);
    *addresses.write().expect("no thread panics") = servers.iter().map(|server| server.addr).collect();

    // One stands still for longer than the group waits, and wakes up as the owner of what is not its own any more.
    servers[1].signal(libc::SIGSTOP);
    println!("served again {:?} after a node stood still", serving(&servers[2], &names));
    servers[1].signal(libc::SIGCONT);
    serving(&servers[1], &names);

    // One is asked to stop, and comes back at once.
    let dir = servers.remove(2).stop();
    servers.push(Server::start_in(dir, &settings));
    *addresses.write().expect("no thread panics") = servers.iter().map(|server| server.addr).collect();
    serving(&servers[2], &names);

    done.store(true, Ordering::Release);
    for (from, to, sender) in senders {
        let sent = sender.join().expect("nothing unexpected was answered");
        assert!(sent > 0);
        let expected: Vec<String> = (0..sent).map(|number| number.to_string()).collect();
        for to in to {
            for node in &servers {
                let mut found = history(node, &to, &from);
                found.retain(|text| text != PROBE);
                assert_eq!(found, expected, "from {from} to {to}");
            }
        }
    }
}
