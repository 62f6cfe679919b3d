//! The verbs against a data directory that the engine has written, as the program that people type.

mod support;

use std::path::Path;

use duolog::data_dir::DataDir;
use duolog::domain::rows::{ConversationRow, Row, Rows};

use support::{Server, lines, message, name, open, out, replay, submit, written};

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
