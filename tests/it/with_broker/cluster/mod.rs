//! Several nodes of the real program on one log on a real Kafka.

mod alike;
mod files;
mod load;
mod outbound;
mod storm;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use duolog_test_broker::Brokers;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::faults::load::RETRY;
use crate::harness::{Server, body, random};

const NODES: usize = 3;
const PARTITIONS: u32 = 6;
/// What is sent to see whether somebody is served.
const PROBE: &str = "probe";
/// Longer than a node that died keeps its partitions, on any machine: a guard against a test that hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// The log that nodes share.
struct Shared<'a> {
    brokers: &'a Brokers,
    prefix: String,
    partitions: u32,
    /// The lines of the configuration of each node.
    settings: String,
}

impl<'a> Shared<'a> {
    /// A log of its own on these brokers. `more`: lines of the configuration.
    fn on(brokers: &'a Brokers, partitions: u32, more: &str) -> Self {
        let (log, prefix) = (super::on(brokers, partitions), Brokers::topic_prefix());
        let settings = format!("{log}log.kafka.topic_prefix = '{prefix}'\n{more}");
        Self { brokers, prefix, partitions, settings }
    }

    fn node(&self) -> Server {
        Server::start(&self.settings)
    }

    /// A node that was here before.
    fn node_in(&self, dir: TempDir) -> Server {
        Server::start_in(dir, &self.settings)
    }

    /// Nodes that have shared the partitions out: until then those may move, and who asks is told to ask again.
    fn nodes(&self, count: usize) -> Vec<Server> {
        let nodes: Vec<Server> = (0..count).map(|_| self.node()).collect();
        let (began, share) = (Instant::now(), u64::from(self.partitions) / count as u64);
        while nodes.iter().any(|node| node.metric("duolog_partitions_owned") < share) {
            assert!(began.elapsed() < LONGEST, "the nodes have not shared the partitions out");
        }
        nodes
    }

    /// Runs `duolog-replay verify` on the data of a node that does not run; how many partitions it found equal.
    fn verify(&self, dir: &TempDir) -> u32 {
        let tool = PathBuf::from(env!("CARGO_BIN_EXE_duolog")).with_file_name("duolog-replay");
        let mut command = Command::new(&tool);
        command.arg("verify").arg("--data").arg(dir.path().join("data"));
        command.args(["--kafka", &self.brokers.addresses(), "--topic-prefix", &self.prefix]);
        let output = command.output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}; build the workspace first", tool.display()));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let partitions = said.split(", ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        partitions.unwrap_or_else(|| panic!("{said}"))
    }
}

/// A node's answer, asked again while it says so: a node that came back is given partitions when it suits the group, and
/// for that moment they are nobody's.
fn answer(node: &Server, command: &str, request: &Value) -> Value {
    let began = Instant::now();
    loop {
        let reply = node.call(command, request);
        if !RETRY.iter().any(|code| reply["ErrorCode"] == *code) {
            assert_eq!(reply["ErrorCode"], 0, "{command} {request} -> {reply}");
            return reply;
        }
        assert!(began.elapsed() < LONGEST, "{command} {request} -> {reply}");
    }
}

/// The texts that one has got from another, oldest first, as a node tells it.
fn history(node: &Server, of: &str, from: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut request =
        json!({"Operator_Account": of, "Peer_Account": from, "MaxCnt": 100, "MinTime": 0, "MaxTime": u32::MAX});
    loop {
        let page = answer(node, "openim/admin_getroammsg", &request);
        let list = page["MsgList"].as_array().expect("a list").iter().rev();
        let text = |message: &Value| message["MsgBody"][0]["MsgContent"]["Text"].as_str().expect("a text").to_owned();
        texts.extend(list.filter(|message| message["From_Account"] == *from).map(text));
        if page["Complete"] == 1 {
            texts.reverse();
            return texts;
        }
        request["MaxTime"] = page["LastMsgTime"].clone();
        request["LastMsgKey"] = page["LastMsgKey"].clone();
    }
}

/// Waits until every account can be sent to and from over one node; how long it took.
fn serving(node: &Server, names: &[String]) -> Duration {
    let began = Instant::now();
    for (name, to) in names.iter().zip(names.iter().cycle().skip(1)) {
        let request = json!({"From_Account": name, "To_Account": to, "MsgRandom": random(), "MsgBody": body(PROBE)});
        while node.code("openim/sendmsg", &request) != 0 {
            assert!(began.elapsed() < LONGEST, "{name} is not served");
        }
    }
    began.elapsed()
}
