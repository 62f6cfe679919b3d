//! Moving an app to another number of partitions, with the program that people type.

mod support;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use duolog::clock::Clock;
use duolog::data_dir::{DataDir, DataDirError};
use duolog::domain::dump::meta_of;
use duolog::engine::{Engine, OpenError};
use duolog_topics::{AccountImported, BlacklistChanged, ConsumerAdvance};
use serde_json::Value;
use tempfile::TempDir;

use support::{Server, lines, message, name, open_at, out, replay, submit};

const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

fn start(dir: &Path, partitions: u32) -> Server {
    open_at(dir, partitions, &Clock::anchored(0))
}

/// Five people who have all written to each other.
async fn talked(dir: &Path, partitions: u32) {
    let Server { engine, _lock } = start(dir, partitions);
    for who in PEOPLE {
        submit(&engine, who, AccountImported { nick: None, face_url: None }).await;
    }
    let mut random = 0;
    for from in PEOPLE {
        for to in PEOPLE.iter().filter(|to| **to != from) {
            random += 1;
            submit(&engine, from, message(to, &format!("{from} to {to}"), random)).await;
        }
    }
    let block =
        BlacklistChanged { owner: name("bob"), peers: vec![name("alice")], blocked: true, decided: None, via: None };
    submit(&engine, "bob", block).await;
    engine.stop();
}

/// Waits until so many messages have come to somebody.
async fn has_unread(engine: &Engine, who: &str, unread: u64) {
    let until = Instant::now() + Duration::from_secs(60);
    let who = name(who);
    loop {
        let account = who.clone();
        let row = engine.read(&who, move |mailbox| mailbox.account(&account)).await.unwrap();
        if row.is_some_and(|row| row.unread_total == unread) {
            return;
        }
        assert!(Instant::now() < until, "they never come");
        tokio::task::yield_now().await;
    }
}

/// What each of them sees, and where each thing stands left out.
fn seen(dir: &Path) -> Vec<Vec<Value>> {
    let rows = |who: &&str| {
        let mut rows = lines(&replay("dump", dir, &["--account", who]));
        rows.iter_mut().for_each(|row| row["partition"] = Value::Null);
        rows
    };
    PEOPLE.iter().map(rows).collect()
}

fn migrate(from: &Path, to: &Path, partitions: u32) -> Output {
    let (to, partitions) = (to.display().to_string(), partitions.to_string());
    replay("migrate", from, &["--to", &to, "--partitions", &partitions])
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

struct Scene {
    folder: TempDir,
}

impl Scene {
    async fn of(partitions: u32) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        talked(&scene.dir("old"), partitions).await;
        scene
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_the_same_after_a_move_and_goes_on() {
    let scene = Scene::of(1).await;
    let (old, new, last) = (scene.dir("old"), scene.dir("new"), scene.dir("last"));
    let before = seen(&old);
    assert!(before.iter().all(|rows| rows.len() > 20), "there is something to move");
    let moved = migrate(&old, &new, 3);
    assert!(String::from_utf8_lossy(&moved.stderr).contains("log.partitions = 3"), "{}", out(&moved));
    assert_eq!(seen(&new), before);
    assert!(out(&replay("verify", &new, &[])).starts_with("equal: "));

    // Between other homes than before, also on a message of the old log.
    let Server { engine, _lock } = start(&new, 3);
    submit(&engine, "alice", message("carol", "after the move", 999)).await;
    submit(&engine, "alice", message("carol", "alice to carol", 2)).await;
    has_unread(&engine, "carol", 5).await;
    engine.stop();
    drop((engine, _lock));
    let went_on = seen(&new);
    let texts = |rows: &[Value], text: &str| rows.iter().filter(|row| row.to_string().contains(text)).count();
    assert_eq!(texts(&went_on[2], "after the move"), 1);
    assert_eq!(texts(&went_on[2], "alice to carol"), texts(&before[2], "alice to carol"), "a repeat is one still");
    assert!(out(&replay("verify", &new, &[])).starts_with("equal: "));

    out(&migrate(&new, &last, 1));
    assert_eq!(seen(&last), went_on, "homes become one again");
    assert!(out(&replay("verify", &last, &[])).starts_with("equal: "));
    let generations = lines(&replay("dump", &last, &[]));
    let meta = generations.iter().find(|row| row["table"] == "meta").unwrap();
    assert_eq!(meta["value"]["generation"], 2);
    assert_eq!(lines(&replay("tail", &old, &["--kind", "message.sent"])).len(), 20, "old records can be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_directory_starts_no_server_any_more() {
    let scene = Scene::of(2).await;
    let (old, new) = (scene.dir("old"), scene.dir("new"));
    out(&migrate(&old, &new, 1));
    let error = DataDir::new(&old, None).open(2).map(drop).unwrap_err();
    assert!(matches!(error, DataDirError::Moved { .. }) && error.to_string().contains("moved-to"), "{error}");
    assert!(refused(&migrate(&old, &scene.dir("third"), 1)).contains("start the server there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_broken_off_is_made_again_and_a_log_in_use_is_not_moved_into() {
    let scene = Scene::of(2).await;
    let (old, new) = (scene.dir("old"), scene.dir("new"));
    out(&migrate(&old, &new, 3));
    let before = seen(&new);
    assert!(before.iter().all(|rows| rows.len() > 20), "there is something to move");
    // As it was just before the end: all is there but the mark, and what an even earlier attempt left.
    std::fs::remove_file(old.join("moved-to")).unwrap();
    std::fs::create_dir_all(new.join("state.moving/7")).unwrap();
    std::fs::remove_dir_all(new.join("state")).unwrap();
    out(&migrate(&old, &new, 3));
    assert_eq!(seen(&new), before);
    assert!(out(&replay("verify", &new, &[])).starts_with("equal: "));

    std::fs::remove_file(old.join("moved-to")).unwrap();
    start(&new, 3).engine.stop();
    assert!(refused(&migrate(&old, &new, 3)).contains("holds records already"));
}

/// What the new server's configuration would refuse, or the client of its brokers, is told before anything is moved.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_no_server_could_start_on_is_not_moved_to() {
    let scene = Scene::of(1).await;
    let (old, new) = (scene.dir("old"), scene.dir("new"));
    let path = new.display().to_string();
    let to_kafka = ["--to", &path, "--to-kafka", "127.0.0.1:1"];
    let onto_kafka = |more: &[&str]| replay("migrate", &old, &[&to_kafka[..], more].concat());
    for (output, expected) in [
        (migrate(&old, &new, 0), "--partitions: log.partitions: 0 is not allowed"),
        (migrate(&old, &new, 257), "it takes a whole number from 1 to 256"),
        (migrate(&old, &old, 3), "--to: it is the old data directory"),
        (onto_kafka(&["--partitions", "1025"]), "log.kafka.partitions: 1025 is not allowed"),
        (onto_kafka(&["--to-replication", "10"]), "log.kafka.replication: 10 is not allowed"),
        (onto_kafka(&["--to-kafka-property", "x=y"]), "--to-kafka-property: No such configuration property: \"x\""),
    ] {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(expected), "{expected}: {said}");
    }
    assert!(!new.exists() && !old.join("moved-to").exists());
    assert_eq!(lines(&replay("tail", &old, &["--kind", "owner.changed"])).len(), 1, "no epoch was begun for it");
}

/// `kill -9` at whatever place a move has come to: the old log still counts, and the next attempt does it all.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_is_made_again() {
    let scene = Scene::of(1).await;
    let (old, new) = (scene.dir("old"), scene.dir("new"));
    let before = seen(&old);
    for wait in [1, 20, 60, 120, 200, 400] {
        let mut moving = Command::new(env!("CARGO_BIN_EXE_duolog-replay"))
            .args(["migrate", "--partitions", "3", "--data"])
            .arg(&old)
            .arg("--to")
            .arg(&new)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::park_timeout(Duration::from_millis(wait));
        moving.kill().unwrap();
        let ended = moving.wait().unwrap().success();
        match std::fs::read_to_string(old.join("moved-to")) {
            // It was faster; then the last of these moves is one that nobody disturbs.
            Ok(mark) => {
                assert_eq!(Path::new(mark.trim_end()), new, "a mark is whole");
                std::fs::remove_file(old.join("moved-to")).unwrap();
            }
            Err(error) => assert!(!ended && error.kind() == ErrorKind::NotFound, "{error}"),
        }
        assert_eq!(seen(&old), before);
    }
    out(&migrate(&old, &new, 3));
    assert_eq!(seen(&new), before);
    assert!(out(&replay("verify", &new, &[])).starts_with("equal: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_is_the_base_of_the_new_log() {
    let scene = Scene::of(1).await;
    let (old, new) = (scene.dir("old"), scene.dir("new"));
    let before = seen(&old);
    out(&migrate(&old, &new, 2));
    std::fs::remove_dir_all(new.join("state")).unwrap();
    start(&new, 2).engine.stop();
    assert_eq!(seen(&new), before, "it comes back from the checkpoints");

    std::fs::remove_dir_all(new.join("state")).unwrap();
    std::fs::remove_dir_all(new.join("checkpoints")).unwrap();
    let error = DataDir::new(&new, None).open(2).map(drop).unwrap_err();
    assert!(matches!(error, DataDirError::State(OpenError::NothingMoved { generation: 1, .. })), "{error}");
    assert!(refused(&replay("rebuild", &new, &[])).contains("goes on from an earlier one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_yet_stops_a_move() {
    let scene = Scene::of(1).await;
    let (old, new) = (scene.dir("old"), scene.dir("new"));
    let Server { engine, _lock } = start(&old, 1);
    let tap = engine.taps().remove(0);
    let at = |position, waiting| vec![ConsumerAdvance { consumer: "callback.default".to_owned(), position, waiting }];
    tap.advance(at(Some(5), vec![])).await.unwrap();
    engine.stop();
    drop((engine, tap, _lock));
    let said = refused(&migrate(&old, &new, 1));
    assert!(
        said.contains("partition 0: callback.default has not passed") && said.contains("duolog-replay lag"),
        "{said}"
    );

    let Server { engine, _lock } = start(&old, 1);
    let tap = engine.taps().remove(0);
    tap.advance(at(Some(tap.watermark()), vec![7])).await.unwrap();
    engine.stop();
    drop((engine, tap, _lock));
    assert!(refused(&migrate(&old, &new, 1)).contains("callback.default still tries 1 delivery"));

    let Server { engine, _lock } = start(&old, 1);
    let tap = engine.taps().remove(0);
    tap.advance(at(Some(tap.watermark()), vec![])).await.unwrap();
    engine.stop();
    drop((engine, tap, _lock));
    out(&migrate(&old, &new, 1));
    let dir = DataDir::new(&new, None).open(1).unwrap();
    let consumers = duolog::engine::consumers(&dir.stores[0]).unwrap();
    assert_eq!(consumers[0].0, "callback.default");
    assert_eq!(consumers[0].1.position, Some(1), "it goes on with the first new record");
    assert_eq!(meta_of(&dir.stores[0]).unwrap().generation, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_put_back_says_so_in_every_partition() {
    let scene = Scene::of(2).await;
    let old = scene.dir("old");
    let restored = || -> Vec<u32> {
        let dir = DataDir::new(&old, None).open(2).unwrap();
        dir.stores.iter().map(|store| meta_of(store).unwrap().restored).collect()
    };
    for times in 1..=2 {
        out(&replay("restored", &old, &[]));
        assert_eq!(restored(), [times; 2]);
        assert_eq!(lines(&replay("tail", &old, &["--kind", "log.restored"])).len(), 2 * times as usize);
    }
    out(&replay("rebuild", &old, &[]));
    assert_eq!(restored(), [2; 2]);
    let Server { engine, _lock } = start(&old, 2);
    assert!(refused(&replay("restored", &old, &[])).contains("in use by another duolog process"));
    engine.stop();
}
