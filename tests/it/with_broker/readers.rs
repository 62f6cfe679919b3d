//! Who reads the log beside the server: the operator's tool and people's own programs.

use std::path::PathBuf;
use std::process::{Command, Output};

use duolog_test_broker::Brokers;

use super::on;
use crate::harness::Server;

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The prefix of the topics of a server's log.
fn prefix(server: &Server) -> String {
    prefix_of(&server.dir)
}

/// The same of a server that does not run.
pub fn prefix_of(dir: &tempfile::TempDir) -> String {
    let config = std::fs::read_to_string(dir.path().join("duolog.toml")).expect("it was written");
    let line = config.lines().find_map(|line| line.strip_prefix("log.kafka.topic_prefix = '"));
    line.expect("the harness names the topics").trim_end_matches('\'').to_owned()
}

#[test]
fn the_operators_tool_reads_the_log_on_kafka() {
    let brokers = Brokers::shared();
    let settings = on(brokers, 2);
    let server = Server::start(&settings);
    let [alice, bob]: [String; 2] = server.accounts();
    for text in ["one", "two", "three"] {
        server.send(&alice, &bob, text);
    }
    let topics = prefix(&server);
    let tool = PathBuf::from(env!("CARGO_BIN_EXE_duolog")).with_file_name("duolog-replay");
    let run = |server: &tempfile::TempDir, arguments: &[&str]| {
        let mut command = Command::new(&tool);
        command.args(arguments).arg("--data").arg(server.path().join("data"));
        command.args(["--kafka", &brokers.addresses(), "--topic-prefix", &topics]);
        said(&command.output().unwrap_or_else(|error| panic!("{}: {error}; build the workspace first", tool.display())))
    };
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

#[test]
fn a_python_program_reads_the_topic() {
    let Some(python) = std::env::var_os("DUOLOG_TEST_PYTHON") else {
        println!("not run: DUOLOG_TEST_PYTHON names no Python with a client of Kafka (make test does)");
        return;
    };
    let brokers = Brokers::shared();
    let server = Server::start(&on(brokers, 2));
    let [alice, bob]: [String; 2] = server.accounts();
    server.send(&alice, &bob, "hello");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/topics/examples/consume.py");
    let output = Command::new(python)
        .args([script, &brokers.addresses(), &format!("{}events", prefix(&server)), "--until-end"])
        .env("PYTHONUTF8", "1")
        .output()
        .expect("Python can be started");
    let events = said(&output);
    assert!(events.contains(&format!("message.sent {alice} -> {bob}: TIMTextElem")), "{events}");
    assert!(events.contains("owner.changed"), "{events}");
}
