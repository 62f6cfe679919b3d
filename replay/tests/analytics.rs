//! What analysts do with the log: an export in each format, read by another tool; the examples of the topics.

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use duolog::clock::Clock;
use duolog_topics::{AccountImported, RawJson};
use serde_json::{Value, json};
use support::{Server, message, name, open_at, out, replay, submit};
use tempfile::TempDir;

/// 2023-11-14T22:13:20Z.
const START: u64 = 1_700_000_000_000;
const HOUR: u64 = 3_600_000;
const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// Two days in three partitions: 60 messages, one an hour, the first half from two senders, the second from one.
async fn two_days() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let Server { engine, _lock } = open_at(dir.path(), 3, &clock);
    for who in PEOPLE {
        submit(&engine, who, AccountImported { nick: None, face_url: None }).await;
    }
    for number in 0..60_usize {
        let text = format!("{number}, \"quoted\" and\nin two lines; ümläut");
        let mut sent = message(PEOPLE[2 + number % 3], &text, number as u32);
        if number % 2 == 0 {
            sent.receivers.push(name("erin"));
            sent.receivers.dedup();
            sent.content.custom = Some(format!("custom, {number}"));
        }
        // As a caller may write it: in many lines.
        let spaced = sent.content.body.as_str().replace("}", "}\n  ");
        sent.content.body = RawJson::from_checked(spaced);
        submit(&engine, if number < 30 { PEOPLE[number % 2] } else { "alice" }, sent.clone()).await;
        submit(&engine, if number < 30 { PEOPLE[number % 2] } else { "alice" }, sent).await;
        clock.advance(HOUR);
    }
    engine.stop();
    dir
}

/// A Python with DuckDB: `make test` makes one; without it there is nothing to read with.
fn python(script: &str, arguments: &[&Path]) -> Option<Output> {
    let program = std::env::var_os("DUOLOG_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let usable =
        Command::new(&program).args(["-c", "import duckdb"]).output().is_ok_and(|found| found.status.success());
    if !usable {
        assert!(std::env::var_os("DUOLOG_TEST_PYTHON").is_none(), "DUOLOG_TEST_PYTHON names no Python with duckdb");
        eprintln!("not run: {script}; it needs python3 with duckdb (make test fetches it)");
        return None;
    }
    let script = root().join(script);
    Some(Command::new(program).arg(script).args(arguments).env("PYTHONUTF8", "1").output().unwrap())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn export(dir: &Path, format: &str, output: &Path) {
    out(&replay("export", dir, &["--format", format, "--output", output.to_str().unwrap(), "--part", "7"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_read_by_another_tool_with_every_message_once() {
    let dir = two_days().await;
    export(dir.path(), "ndjson", &dir.path().join("messages.ndjson"));
    export(dir.path(), "csv", &dir.path().join("messages.csv"));
    export(dir.path(), "parquet", &dir.path().join("parquet"));
    let Some(output) = python("tests/python/read_exports.py", &[dir.path()]) else { return };
    let rows: Vec<Value> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 60, "no repeat, none left out");
    let mut numbers: Vec<u32> = rows
        .iter()
        .map(|row| {
            let text = row["body"][0]["MsgContent"]["Text"].as_str().unwrap();
            assert!(text.ends_with(", \"quoted\" and\nin two lines; ümläut"), "{text}");
            text.split(',').next().unwrap().parse().unwrap()
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..60).collect::<Vec<_>>());
    let custom = rows.iter().filter(|row| row["custom"].as_str().unwrap().starts_with("custom, ")).count();
    assert_eq!(custom, 30);
    assert!(rows.iter().any(|row| row["to"] == json!(["carol", "erin"])), "{rows:?}");
    assert!(rows.iter().all(|row| row["not_delivered"] == json!([])), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_counts_active_users_and_messages() {
    let dir = two_days().await;
    let folder = dir.path().join("export");
    export(dir.path(), "parquet", &folder);
    let Some(output) = python("topics/examples/daily.py", &[&folder]) else { return };
    let said = out(&output);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = said.lines().map(words).collect();
    // Two messages on the first evening, 24 on the day after, and so on; bob stops after 30.
    assert_eq!(lines[2], ["2023-11-14", "2", "2"], "{said}");
    assert_eq!(lines[3], ["2023-11-15", "2", "24"], "{said}");
    assert_eq!(lines[4], ["2023-11-16", "2", "24"], "{said}");
    assert_eq!(lines[5], ["2023-11-17", "1", "10"], "{said}");
    assert_eq!(lines[8], ["2023-11-14", "22:00", "1", "2"], "{said}");
    assert_eq!(lines.len(), 8 + 60, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_follows_the_log() {
    let dir = two_days().await;
    let tail = replay("tail", dir.path(), &["--kind", "message.sent", "--until", "2023-11-14T23:00:00Z"]);
    let program = std::env::var_os("DUOLOG_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let script = root().join("topics/examples/follow.py");
    let mut command = Command::new(program);
    let child = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        eprintln!("not run: topics/examples/follow.py; there is no python3");
        return;
    };
    child.stdin.take().unwrap().write_all(&tail.stdout).unwrap();
    let said = out(&child.wait_with_output().unwrap());
    assert_eq!(said, "2023-11-14T22:13:20.000Z alice -> carol, erin: TIMTextElem\n");
}
