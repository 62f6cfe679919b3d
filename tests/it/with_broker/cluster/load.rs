//! Senders that send over all nodes, whatever becomes of these.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::LONGEST;
use crate::faults::load::{Connection, RETRY};
use crate::harness::{Server, body, random};

/// How long one answer is waited for, before the next node is asked.
const ANSWER: Duration = Duration::from_secs(3);

/// Where the nodes are; those that do not run stay in the list.
pub type Addresses = Arc<RwLock<Vec<SocketAddr>>>;

pub fn addresses(nodes: &[Server]) -> Vec<SocketAddr> {
    nodes.iter().map(|node| node.addr).collect()
}

/// Senders at work. Each sends its numbers to each of its receivers, one after the other, each until it is acked.
pub struct Load {
    senders: Vec<Sender>,
    state: Arc<State>,
}

struct Sender {
    from: String,
    to: Vec<String>,
    acked: Arc<AtomicU32>,
    thread: JoinHandle<u32>,
}

#[derive(Default)]
struct State {
    done: AtomicBool,
    told: Mutex<()>,
    acks: Condvar,
}

impl Load {
    pub fn start(nodes: &Addresses, pairs: Vec<(String, Vec<String>)>) -> Self {
        let state = Arc::<State>::default();
        let start = |(from, to): (String, Vec<String>)| {
            let acked = Arc::<AtomicU32>::default();
            let thread = {
                let (from, to, nodes, acked, state) =
                    (from.clone(), to.clone(), nodes.clone(), acked.clone(), state.clone());
                std::thread::spawn(move || send_on(&from, &to, &nodes, &acked, &state))
            };
            Sender { from, to, acked, thread }
        };
        let senders = pairs.into_iter().map(start).collect();
        Self { senders, state }
    }

    /// Waits until every sender has had so many more acks.
    pub fn more(&self, acks: u32) {
        let goals: Vec<u32> = self.senders.iter().map(|sender| sender.acked.load(Ordering::Acquire) + acks).collect();
        let began = Instant::now();
        let mut told = self.state.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (sender, goal) in self.senders.iter().zip(goals) {
            while sender.acked.load(Ordering::Acquire) < goal {
                assert!(!sender.thread.is_finished(), "{} heard something unexpected", sender.from);
                assert!(began.elapsed() < LONGEST, "{} gets no acks any more", sender.from);
                let waited = self.state.acks.wait_timeout(told, Duration::from_secs(1));
                told = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// Ends it: sender, receiver, and how many numbers were acked, which are all from 0 on.
    pub fn end(self) -> Vec<(String, String, u32)> {
        self.state.done.store(true, Ordering::Release);
        let mut sent = Vec::new();
        for sender in self.senders {
            let count = sender.thread.join().expect("nothing unexpected was answered");
            sent.extend(sender.to.into_iter().map(|to| (sender.from.clone(), to, count)));
        }
        sent
    }
}

fn send_on(from: &str, to: &[String], nodes: &Addresses, acked: &AtomicU32, state: &State) -> u32 {
    let mut turn = random() as usize;
    let mut number = 0;
    while !state.done.load(Ordering::Acquire) {
        for to in to {
            let request = json!({"From_Account": from, "To_Account": to, "MsgRandom": number, "MsgSeq": 1,
                "SyncOtherMachine": 1, "MsgBody": body(&number.to_string())});
            // Each message comes in at another node, and a try that was not acked goes on to the next one: with the same
            // key, so it counts once.
            while !is_acked(nodes, &mut turn, &request) {}
        }
        number += 1;
        acked.store(number, Ordering::Release);
        state.acks.notify_all();
    }
    number
}

fn is_acked(nodes: &Addresses, turn: &mut usize, request: &Value) -> bool {
    *turn += 1;
    let addr = {
        let nodes = nodes.read().unwrap_or_else(PoisonError::into_inner);
        nodes[*turn % nodes.len()]
    };
    let Ok(mut connection) = Connection::open(addr) else { return false };
    connection.wait_only(ANSWER).expect("it can be set");
    match connection.call("openim/sendmsg", request) {
        // Busy, moving, unknown, or no answer.
        Some(reply) if RETRY.iter().any(|code| reply["ErrorCode"] == *code) => false,
        None => false,
        Some(reply) => {
            assert_eq!(reply["ErrorCode"], 0, "{request}: {reply}");
            true
        }
    }
}
