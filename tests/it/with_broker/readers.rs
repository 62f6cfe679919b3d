//! Who reads the log beside the server: the operator's tool and people's own programs.

use std::process::Command;

use duolog_test_broker::Brokers;

use super::{on, prefix, replay, said};
use crate::harness::Server;

#[test]
fn the_operators_tool_reads_the_log_on_kafka() {
    let brokers = Brokers::shared();
    let settings = on(brokers, 2);
    let server = Server::start(&settings);
    let [alice, bob]: [String; 2] = server.accounts();
    for text in ["one", "two", "three"] {
        server.send(&alice, &bob, text);
    }
    let topics = prefix(&server.dir);
    let run = |dir: &tempfile::TempDir, arguments: &[&str]| replay(dir, brokers, &topics, arguments);
    let tail = run(&server.dir, &["tail", "--kind", "message.sent", "--account", &alice]);
    assert_eq!(tail.lines().count(), 3, "{tail}");
    assert_eq!(run(&server.dir, &["export"]).lines().count(), 3);
    assert!(run(&server.dir, &["dump", "--account", &bob]).contains("three"));

    let dir = server.stop();
    assert!(run(&dir, &["verify"]).starts_with("equal"));
    run(&dir, &["rebuild"]);
    assert!(run(&dir, &["verify"]).starts_with("equal"));
    Server::start_in(dir, &settings).stop();
}

/// What `topics/examples/consume.py` prints of a topic; nothing where no Python can.
pub fn consumed(brokers: &Brokers, topic: &str) -> Option<String> {
    let Some(python) = std::env::var_os("DUOLOG_TEST_PYTHON") else {
        println!("not run: DUOLOG_TEST_PYTHON names no Python with a client of Kafka (make test does)");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/topics/examples/consume.py");
    let mut command = Command::new(python);
    command.args([script, &brokers.addresses(), topic, "--until-end"]).env("PYTHONUTF8", "1");
    Some(said(&command.output().expect("Python can be started")))
}

#[test]
fn a_python_program_reads_the_topic() {
    let brokers = Brokers::shared();
    let server = Server::start(&on(brokers, 2));
    let [alice, bob]: [String; 2] = server.accounts();
    server.send(&alice, &bob, "hello");
    let Some(events) = consumed(brokers, &format!("{}events", prefix(&server.dir))) else { return };
    assert!(events.contains(&format!("message.sent {alice} -> {bob}: TIMTextElem")), "{events}");
    assert!(events.contains("owner.changed"), "{events}");
}
