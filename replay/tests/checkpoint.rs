//! `checkpoint` and its verbs, in a folder.

mod support;

use duolog::data_dir::DataDir;
use duolog::log::{EmbeddedLog, Log as _};
use serde_json::Value;

use support::{Server, lines, message, open, out, replay, submit, written};

fn checkpoint(verb: &str, dir: &std::path::Path, more: &[&str]) -> std::process::Output {
    let program = env!("CARGO_BIN_EXE_duolog-replay");
    let mut command = std::process::Command::new(program);
    command.args(["checkpoint", verb, "--data"]).arg(dir).args(more).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_made_verified_listed_and_put_back() {
    let dir = written().await;
    let before = out(&replay("dump", dir.path(), &[]));
    let none = checkpoint("verify", dir.path(), &[]);
    assert_eq!(none.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&none.stderr), "partition 0 has no checkpoint\n");
    let made = lines(&checkpoint("make", dir.path(), &[])).remove(0);
    assert_eq!(lines(&checkpoint("make", dir.path(), &[]))[0]["name"], made["name"], "nothing has happened");
    assert_eq!(lines(&checkpoint("list", dir.path(), &[])), std::slice::from_ref(&made));
    let mut good = made.clone();
    good["good"] = true.into();
    assert_eq!(lines(&checkpoint("verify", dir.path(), &[])), [good]);

    let Server { engine, _lock } = open(dir.path());
    submit(&engine, "carol", message("alice", "later", 9)).await;
    let busy = checkpoint("make", dir.path(), &[]);
    assert!(String::from_utf8_lossy(&busy.stderr).contains("in use by another duolog process"));
    engine.stop();
    drop((engine, _lock));
    let after = out(&replay("dump", dir.path(), &[]));
    assert_ne!(after, before);

    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let name = made["name"].as_str().unwrap();
    out(&checkpoint("restore", dir.path(), &["--partition", "0", "--name", name]));
    let store = duolog::store::Store::open_read_only(&dir.path().join("state/0")).unwrap();
    assert_eq!(store.applied().unwrap().map(|applied| applied.next), made["offset"].as_u64());
    assert_eq!(out(&replay("dump", dir.path(), &[])), after, "the rest is the log's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trimmed_log_is_rebuilt_from_the_checkpoint_and_one_beyond_the_log_is_passed_over() {
    let dir = written().await;
    let made = lines(&checkpoint("make", dir.path(), &[])).remove(0);
    let Server { engine, _lock } = open(dir.path());
    submit(&engine, "carol", message("alice", "later", 9)).await;
    engine.stop();
    drop((engine, _lock));
    let before = out(&replay("dump", dir.path(), &[]));
    let offset = made["offset"].as_u64().unwrap();
    EmbeddedLog::open(&dir.path().join("log"), 1).unwrap().trim(0, offset - 1).unwrap();
    out(&replay("rebuild", dir.path(), &[]));
    assert_eq!(out(&replay("dump", dir.path(), &[])), before);
    assert!(out(&replay("verify", dir.path(), &[])).starts_with("equal: "));

    let other = written().await;
    let elsewhere = dir.path().join("checkpoints").display().to_string();
    let refused = checkpoint("restore", other.path(), &["--checkpoints", &elsewhere]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("partition 0 has no good checkpoint of this log"), "{said}");
}

/// A state that does not belong to the log is not used: the newest checkpoint that does is.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_beyond_its_log_gives_way_to_a_checkpoint_and_is_refused_without_one() {
    let dir = written().await;
    let backup = tempfile::tempdir().unwrap();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    };
    let log = dir.path().join("log");
    copy(&log, backup.path());
    let before: Vec<Value> = lines(&replay("dump", dir.path(), &["--account", "alice"]));
    let Server { engine, _lock } = open(dir.path());
    submit(&engine, "carol", message("alice", "lost with the log", 9)).await;
    engine.stop();
    drop((engine, _lock));
    std::fs::remove_dir_all(&log).unwrap();
    copy(backup.path(), &log);
    let error = DataDir::new(dir.path(), None).open(1).map(drop).unwrap_err().to_string();
    assert!(error.contains("the log was cut"), "{error}");

    let beside = tempfile::tempdir().unwrap();
    copy(&log, &beside.path().join("log"));
    lines(&checkpoint("make", beside.path(), &[]));
    std::fs::rename(beside.path().join("checkpoints"), dir.path().join("checkpoints")).unwrap();
    drop(DataDir::new(dir.path(), None).open(1).unwrap());
    assert!(dir.path().join("state/0.unused").exists());
    assert_eq!(lines(&replay("dump", dir.path(), &["--account", "alice"])), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_is_begun_beside_the_checkpoints_of_one_that_is_gone() {
    let dir = written().await;
    lines(&checkpoint("make", dir.path(), &[]));
    for gone in ["log", "state"] {
        std::fs::remove_dir_all(dir.path().join(gone)).unwrap();
    }
    for start in 1..=2 {
        let refused = DataDir::new(dir.path(), None).open(1).map(drop);
        let said = refused.expect_err("it starts with nothing").to_string();
        assert!(said.contains("this log does not continue"), "start {start}: {said}");
        assert!(!dir.path().join("log").exists() && !dir.path().join("state").exists(), "start {start} left something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_not_there_is_no_empty_one() {
    let dir = written().await;
    let nowhere = dir.path().join("nowhere");
    for verb in ["list", "verify"] {
        let refused = checkpoint(verb, &nowhere, &[]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && said.contains("there are no checkpoints"), "{verb}: {said}");
        assert!(said.contains(nowhere.to_str().unwrap()) && !nowhere.exists(), "{verb}: {said}");
    }
    let web = checkpoint("list", dir.path(), &["--checkpoints", "http://x"]);
    let said = String::from_utf8_lossy(&web.stderr).into_owned();
    assert!(web.status.code() == Some(2) && said.contains("--checkpoints: checkpoint.url: "), "{said}");
    let partition = checkpoint("restore", dir.path(), &["--partition", "7"]);
    let said = String::from_utf8_lossy(&partition.stderr).into_owned();
    assert!(partition.status.code() == Some(2) && said.contains("--partition: there is no partition 7"), "{said}");
}
