//! The verbs against a data directory that the engine has written, as the program that people type.

mod support;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use duolog::clock::Clock;
use duolog::data_dir::DataDir;
use duolog::domain::rows::{ConversationRow, Row, Rows};
use duolog_topics::partition_of;
use serde_json::Value;

use support::{Server, lines, message, name, open, open_at, out, replay, submit, written};

/// Every wait ends: a tail that hangs fails the test instead of the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `tail --follow`, whose lines come as they are printed. Dropping it ends it.
struct Following {
    child: Child,
    printed: mpsc::Receiver<String>,
}

impl Following {
    fn start(dir: &Path, from: u64) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duolog-replay"));
        command.args(["tail", "--follow", "--from", &from.to_string(), "--data"]).arg(dir);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (send, printed) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).all(|line| send.send(line).is_ok()));
        Self { child, printed }
    }

    fn line(&self) -> Value {
        let line = self.printed.recv_timeout(PATIENCE).expect("a record is printed");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Accounts whose home is this one of two partitions.
fn living_in(home: u32) -> impl Iterator<Item = String> {
    (0..).map(|number| format!("u{number}")).filter(move |name| partition_of(name.as_bytes(), 2) == home)
}

/// Changes one row behind the engine's back.
fn plant(dir: &Path) {
    let data = DataDir::new(dir, None).open(1).unwrap();
    let store = &data.stores[0];
    let key = ConversationRow::key(&name("bob"), &name("alice")).into_bytes();
    let row = ConversationRow::decode(&store.get(&key).unwrap().unwrap()).unwrap();
    assert_eq!(row.unread, 1);
    let wrong = ConversationRow { unread: 41, ..row };
    store.writer().commit(&mut [(key, Some(wrong.encode()))].into_iter().collect(), store.applied().unwrap()).unwrap();
    store.flush().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_names_a_row_that_was_changed_and_rebuild_mends_it() {
    let dir = written().await;
    assert!(out(&replay("verify", dir.path(), &[])).starts_with("equal: "));
    let before = out(&replay("dump", dir.path(), &[]));
    plant(dir.path());

    let found = replay("verify", dir.path(), &[]);
    let said = String::from_utf8(found.stdout).unwrap();
    assert_eq!(found.status.code(), Some(1), "{said}");
    assert!(said.contains(r#"conversations {"account":"bob","peer":"alice"}"#), "{said}");
    assert!(said.contains(r#""unread":41"#) && said.contains(r#""unread":1"#), "{said}");
    assert!(said.contains("different: 1 of "), "{said}");

    out(&replay("rebuild", dir.path(), &[]));
    assert!(out(&replay("verify", dir.path(), &[])).starts_with("equal: "));
    assert_eq!(out(&replay("dump", dir.path(), &[])), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_gone_is_built_again() {
    let dir = written().await;
    let before = out(&replay("dump", dir.path(), &[]));
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    out(&replay("rebuild", dir.path(), &[]));
    assert_eq!(out(&replay("dump", dir.path(), &[])), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_missing_is_named_with_what_puts_it_back() {
    let dir = written().await;
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    for verb in ["dump", "lag", "verify"] {
        let refused = replay(verb, dir.path(), &[]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && said.contains("there is no state in "), "{verb}: {said}");
        assert!(said.contains("duolog-replay rebuild"), "{verb}: {said}");
    }
}

/// A full disk is told, and ends with 1, where the output is what was asked for; where it is a remark, it ends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn output_that_cannot_be_written_ends_no_verb_with_a_panic() {
    let dir = written().await;
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let program = |verb: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duolog-replay"));
        command.args(verb).arg("--data").arg(dir.path());
        command
    };
    assert_eq!(program(&["rebuild"]).stderr(full()).status().unwrap().code(), Some(0));
    out(&program(&["checkpoint", "make"]).output().unwrap());
    for verb in [&["verify"][..], &["checkpoint", "list"], &["checkpoint", "verify"], &["tail"], &["export"]] {
        let output = program(verb).stdout(full()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {said}");
        assert!(said.contains("No space left on device") && !said.contains("panicked"), "{verb:?}: {said}");
    }
    assert_eq!(program(&["tail"]).stdout(full()).stderr(full()).status().unwrap().code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivery_that_cannot_be_meant_is_wrong_usage() {
    let dir = written().await;
    for (consumer, from, expected) in [
        ("push.apns", "5", "--from: dead letters are chosen by a time"),
        (
            "nope",
            "2026-01-31T12:00:00Z",
            "--consumer nope: the configuration has no such consumer; there are: push.apns",
        ),
        ("push.apns", "2026-01-31T12:00:00Z", "--consumer push.apns: the configuration does not turn it on"),
    ] {
        let more = ["--dead-letters", "--consumer", consumer, "--from", from];
        let output = replay("redeliver", dir.path(), &more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(expected), "{more:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_the_client_does_not_know_is_wrong_usage() {
    let dir = written().await;
    let output = replay("tail", dir.path(), &["--kafka", "127.0.0.1:1", "--kafka-property", "x=y"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("--kafka-property: No such configuration property"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_that_read_work_beside_a_server_and_rebuild_refuses() {
    let dir = written().await;
    // What it folds now it has not flushed.
    let Server { engine, _lock } = open(dir.path());
    submit(&engine, "carol", message("alice", "not flushed", 9)).await;

    assert!(out(&replay("dump", dir.path(), &["--account", "alice"])).contains("not flushed"));
    assert!(out(&replay("tail", dir.path(), &["--account", "carol"])).contains("not flushed"));
    assert!(out(&replay("verify", dir.path(), &[])).starts_with("equal: "));
    let refused = replay("rebuild", dir.path(), &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("in use by another duolog process"));
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_shows_the_records_that_are_asked_for() {
    let dir = written().await;
    let all = lines(&replay("tail", dir.path(), &[]));
    let offsets: Vec<u64> = all.iter().map(|line| line["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, (0..all.len() as u64).collect::<Vec<_>>());
    assert_eq!(all[0]["kind"], "log.opened");

    let sent = lines(&replay("tail", dir.path(), &["--kind", "message.sent", "--account", "bob"]));
    assert!(sent.iter().all(|line| line["event"]["receivers"][0] == "bob"), "{sent:?}");
    let first = sent[0]["offset"].as_u64().unwrap();
    let (from, until) = (first.to_string(), (first + 1).to_string());
    assert_eq!(lines(&replay("tail", dir.path(), &["--from", &from, "--until", &until])), sent[..1]);

    assert_eq!(replay("tail", dir.path(), &["--kind", "nothing"]).status.code(), Some(2));
    let nowhere = replay("tail", &dir.path().join("nowhere"), &[]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("there is no log here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_follows_from_beyond_the_end_prints_nothing_before() {
    let dir = tempfile::tempdir().unwrap();
    let Server { engine, _lock } = open_at(dir.path(), 2, &Clock::manual(1_700_000_000_000));
    let all = lines(&replay("tail", dir.path(), &[]));
    let beyond = all.iter().filter(|line| line["partition"] == 0).count() as u64 + 2;
    // The other partition reaches that far: what it prints of it shows that it has looked where both of them end.
    for account in living_in(1).take(beyond as usize + 1) {
        submit(&engine, &account, duolog_test_messages::import()).await;
    }
    let tail = Following::start(dir.path(), beyond);
    assert_eq!(tail.line()["partition"], 1);
    for account in living_in(0).take(4) {
        submit(&engine, &account, duolog_test_messages::import()).await;
    }
    let first = std::iter::repeat_with(|| tail.line()).find(|line| line["partition"] == 0).unwrap();
    assert_eq!(first["offset"], beyond);
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn dump_shows_a_mailbox_as_of_an_offset_or_a_time() {
    let dir = written().await;
    let now = out(&replay("dump", dir.path(), &["--account", "bob"]));
    let sent = lines(&replay("tail", dir.path(), &["--kind", "message.sent"]));
    let then = |until: &str| out(&replay("dump", dir.path(), &["--account", "bob", "--until", until]));
    let first = sent[0]["offset"].as_u64().unwrap();
    assert!(!then(&first.to_string()).contains("hello"), "before the first message");
    let after = then(&(first + 1).to_string());
    assert!(after.contains("conversations") && after.contains(r#""unread":1"#), "{after}");
    assert!(!after.contains("relations"), "he had blocked nobody yet");
    assert_eq!(then("2100-01-01T00:00:00Z"), now, "everything that happened");
    assert_eq!(then("2000-01-01T00:00:00Z"), "", "nothing had happened");
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    assert_eq!(then(&(first + 1).to_string()), after, "the log alone tells");
}
