//! What holds on the embedded log holds on Kafka.

use std::process::Command;

use duolog_test_broker::Brokers;

use super::on;
use crate::faults::rebuild;

/// Set for a run whose servers have their logs on Kafka.
const PROVIDER: &str = "DUOLOG_LOG__PROVIDER";

/// Runs tests of this program with every server's log on Kafka.
fn run(tests: &str, partitions: &str) {
    if std::env::var_os(PROVIDER).is_some() {
        return;
    }
    let program = std::env::current_exe().expect("a test program has a path");
    let output = Command::new(program)
        .arg(tests)
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
    run("ws::", "2");
}

#[test]
fn a_server_without_its_state_answers_every_read_as_before() {
    rebuild::answers_as_before(&on(Brokers::shared(), 2));
}
