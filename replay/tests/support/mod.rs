//! What the tests of the verbs share: a data directory that an engine has written, and the program.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::Path;
use std::process::{Command, Output};

use duolog::clock::Clock;
use duolog::data_dir::{DataDir, OpenData};
use duolog::dir_lock::DirLock;
use duolog::engine::{Engine, Parts};
use duolog_topics::{
    Account, AccountImported, BlacklistChanged, Event, MessageContent, MessageFlags, MessageSent, Origin,
    PolicyChanged, RawJson, SenderCopy,
};
use serde_json::Value;
use tempfile::TempDir;

pub fn name(text: &str) -> Account {
    Account::new(text).unwrap()
}

/// What a server holds while it runs: the lock goes last.
pub struct Server {
    pub engine: Engine,
    pub _lock: DirLock,
}

pub fn open(dir: &Path) -> Server {
    open_at(dir, 1, &Clock::manual(1_700_000_000_000))
}

pub fn open_at(dir: &Path, partitions: u32, clock: &Clock) -> Server {
    let OpenData { log, stores, expiry, lock } = DataDir::new(dir, None).open(partitions).unwrap();
    let policy = PolicyChanged { revision: 1, ..PolicyChanged::default() };
    let clock = Some(clock.clone());
    let parts = Parts { log, stores, expiry, policy, node: "test".to_owned(), clock };
    Server { engine: Engine::open(parts, |_, _, _| {}).unwrap(), _lock: lock }
}

pub fn message(to: &str, text: &str, random: u32) -> MessageSent {
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

pub async fn submit(engine: &Engine, account: &str, event: impl Into<Event>) {
    engine.submit(&name(account), event.into()).await.unwrap();
}

/// Three people; alice writes to bob three times, once as a repeat and once blocked, and to carol.
pub async fn written() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let Server { engine, _lock } = open(dir.path());
    for who in ["alice", "bob", "carol"] {
        submit(&engine, who, AccountImported { nick: None, face_url: None }).await;
    }
    submit(&engine, "alice", message("bob", "hello", 1)).await;
    submit(&engine, "alice", message("bob", "hello", 1)).await;
    submit(&engine, "alice", message("carol", "hi", 2)).await;
    let block =
        BlacklistChanged { owner: name("bob"), peers: vec![name("alice")], blocked: true, decided: None, via: None };
    submit(&engine, "bob", block).await;
    submit(&engine, "alice", message("bob", "there?", 3)).await;
    engine.stop();
    dir
}

pub fn replay(verb: &str, dir: &Path, more: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_duolog-replay");
    Command::new(program).arg(verb).arg("--data").arg(dir).args(more).output().unwrap()
}

pub fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn lines(output: &Output) -> Vec<Value> {
    out(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
