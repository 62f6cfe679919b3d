//! What holds on the embedded log holds on Kafka.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use duolog_test_broker::Brokers;

use super::on;
use crate::faults::rebuild;

/// Set for a run whose servers have their logs on Kafka.
const PROVIDER: &str = "DUOLOG_LOG__PROVIDER";

/// Runs tests of this program with every server's log on Kafka. One such run at a time, and few tests at once in it: each
/// has a server, and all of them one broker.
fn run(tests: &str, partitions: &str) {
    static RUNNING: Mutex<()> = Mutex::new(());
    if std::env::var_os(PROVIDER).is_some() {
        return;
    }
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let program = std::env::current_exe().expect("a test program has a path");
    let output = Command::new(program)
        .args([tests, "--test-threads=4"])
        .env(PROVIDER, "kafka")
        .env("DUOLOG_LOG__KAFKA__BROKERS", Brokers::shared().addresses())
        .env("DUOLOG_LOG__KAFKA__PARTITIONS", partitions)
        .output()
        .expect("it can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_server_api_answers_the_same_on_kafka() {
    run("v4::", "3");
}

#[test]
fn the_client_protocol_is_the_same_on_kafka() {
    // A client's send waits for its own home only: with several, these tests would have to wait for the other one.
    run("ws::", "1");
}

#[test]
fn record_files_are_the_same_on_kafka() {
    run("records::", "1");
}

#[test]
fn a_server_without_its_state_answers_every_read_as_before() {
    rebuild::answers_as_before(&on(Brokers::shared(), 2));
}
