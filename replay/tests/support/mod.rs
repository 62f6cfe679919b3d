//! What the tests of the verbs share: a data directory that an engine has written, and the program.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::Path;
use std::process::{Command, Output};

use duolog::clock::Clock;
use duolog::data_dir::{DataDir, OpenData};
use duolog::dir_lock::DirLock;
use duolog::engine::{Engine, Parts};
pub use duolog_test_messages::name;
use duolog_topics::{BlacklistChanged, Event, MessageSent, PolicyChanged};
use serde_json::Value;
use tempfile::TempDir;

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
    let parts = Parts { log, stores, expiry, policy, node: "test".to_owned(), clock, aside: None };
    Server { engine: Engine::open(parts, |_, _, _| {}).unwrap(), _lock: lock }
}

pub fn message(to: &str, text: &str, random: u32) -> MessageSent {
    duolog_test_messages::message(&[to], text, random)
}

pub async fn submit(engine: &Engine, account: &str, event: impl Into<Event>) {
    engine.submit(&name(account), event.into()).await.unwrap();
}

/// Three people; alice writes to bob three times, once as a repeat and once blocked, and to carol.
pub async fn written() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let Server { engine, _lock } = open(dir.path());
    for who in ["alice", "bob", "carol"] {
        submit(&engine, who, duolog_test_messages::import()).await;
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
