//! The server with its log on a real Apache Kafka. `make test-quick` leaves out what has this module's name in its path.

mod checkpoints;
mod cluster;
mod consumers;
mod faults;
mod migrate;
mod readers;
mod replicas;
mod same;

use std::path::PathBuf;
use std::process::{Command, Output};

use duolog_test_broker::Brokers;
use tempfile::TempDir;

/// The lines of the configuration that put a server's log on these brokers.
fn on(brokers: &Brokers, partitions: u32) -> String {
    let addresses = brokers.addresses();
    format!("log.provider = 'kafka'\nlog.kafka.brokers = '{addresses}'\nlog.kafka.partitions = {partitions}\n")
}

/// The prefix of the topics of the log of a server in this directory.
fn prefix(dir: &TempDir) -> String {
    let config = std::fs::read_to_string(dir.path().join("duolog.toml")).expect("it was written");
    let line = config.lines().find_map(|line| line.strip_prefix("log.kafka.topic_prefix = '"));
    line.expect("the harness names the topics").trim_end_matches('\'').to_owned()
}

/// What the operator's tool says of the log on these brokers and the state in a directory.
fn replay(dir: &TempDir, brokers: &Brokers, topics: &str, arguments: &[&str]) -> String {
    let tool = PathBuf::from(env!("CARGO_BIN_EXE_duolog")).with_file_name("duolog-replay");
    let mut command = Command::new(&tool);
    command.args(arguments).arg("--data").arg(dir.path().join("data"));
    command.args(["--kafka", &brokers.addresses(), "--topic-prefix", topics]);
    let output = command.output();
    said(&output.unwrap_or_else(|error| panic!("{}: {error}; build the workspace first", tool.display())))
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}
