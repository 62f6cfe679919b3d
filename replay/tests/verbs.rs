//! The verbs against a data directory that the engine has written, as the program that people type.

use std::path::Path;
use std::process::{Command, Output};

use duolog::clock::Clock;
use duolog::data_dir::{DataDir, OpenData};
use duolog::dir_lock::DirLock;
use duolog::domain::rows::{ConversationRow, Row, Rows};
use duolog::engine::{Engine, Parts};
use duolog_topics::{
    Account, AccountImported, BlacklistChanged, Event, MessageContent, MessageFlags, MessageSent, Origin,
    PolicyChanged, RawJson, SenderCopy,
};
use serde_json::Value;
use tempfile::TempDir;

fn name(text: &str) -> Account {
    Account::new(text).unwrap()
}

/// What a server holds while it runs: the lock goes last.
struct Server {
    engine: Engine,
    _lock: DirLock,
}

fn open(dir: &Path) -> Server {
    let OpenData { log, stores, expiry, lock } = DataDir::new(dir, None).open(1).unwrap();
    let policy = PolicyChanged { revision: 1, ..PolicyChanged::default() };
    let clock = Some(Clock::manual(1_700_000_000_000));
    let parts = Parts { log, stores, expiry, policy, node: "test".to_owned(), clock };
    Server { engine: Engine::open(parts, |_, _, _| {}).unwrap(), _lock: lock }
}

fn message(to: &str, text: &str, random: u32) -> MessageSent {
    let body = serde_json::json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }]);
    let content = MessageContent {
        body: RawJson::encode(&body).unwrap(),
        custom: None,
        msg_seq: 7,
        random,
        flags: MessageFlags::default(),
        origin: Origin::Client,
        life: None,
        push: None,
        platform: None,
        ip: None,
    };
    MessageSent {
        receivers: vec![name(to)],
        content,
        seq_given: true,
        request_hash: 0,
        imported_time: None,
        sender_copy: SenderCopy::Full,
        operator: None,
        session: None,
    }
}

async fn submit(engine: &Engine, account: &str, event: impl Into<Event>) {
    engine.submit(&name(account), event.into()).await.unwrap();
}

/// Three people; alice writes to bob three times, once as a repeat and once blocked, and to carol.
async fn written() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let Server { engine, _lock } = open(dir.path());
    for who in ["alice", "bob", "carol"] {
        submit(&engine, who, AccountImported { nick: None, face_url: None }).await;
    }
    submit(&engine, "alice", message("bob", "hello", 1)).await;
    submit(&engine, "alice", message("bob", "hello", 1)).await;
    submit(&engine, "alice", message("carol", "hi", 2)).await;
    let block = BlacklistChanged { owner: name("bob"), peers: vec![name("alice")], blocked: true, decided: None };
    submit(&engine, "bob", block).await;
    submit(&engine, "alice", message("bob", "there?", 3)).await;
    engine.stop();
    dir
}

fn replay(verb: &str, dir: &Path, more: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_duolog-replay");
    Command::new(program).arg(verb).arg("--data").arg(dir).args(more).output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    out(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Changes one row behind the engine's back.
fn plant(dir: &Path) {
    let data = DataDir::new(dir, None).open(1).unwrap();
    let store = &data.stores[0];
    let key = ConversationRow::key(&name("bob"), &name("alice")).into_bytes();
    let row = ConversationRow::decode(&store.get(&key).unwrap().unwrap()).unwrap();
    assert_eq!(row.unread, 1);
    let wrong = ConversationRow { unread: 41, ..row };
    store.commit(&vec![(key, Some(wrong.encode()))], store.applied().unwrap()).unwrap();
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
async fn export_writes_each_message_once_and_says_who_did_not_get_it() {
    let dir = written().await;
    let messages = lines(&replay("export", dir.path(), &[]));
    let texts: Vec<&Value> = messages.iter().map(|line| &line["body"][0]["MsgContent"]["Text"]).collect();
    assert_eq!(texts, ["hello", "hi", "there?"], "a repeat is no message");
    assert_eq!(messages[2]["not_delivered"][0], "bob");
    assert_eq!(messages[0]["not_delivered"], serde_json::json!([]));

    let file = dir.path().join("messages.ndjson");
    let output = dir.path().to_str().unwrap();
    let between = ["--account", "carol", "--peer", "alice", "--format", "ndjson", "--output", output];
    assert_eq!(out(&replay("export", dir.path(), &between)), "");
    let written: Value = serde_json::from_str(std::fs::read_to_string(file).unwrap().trim()).unwrap();
    assert_eq!((&written["from"], &written["to"][0]), (&"alice".into(), &"carol".into()));
}
