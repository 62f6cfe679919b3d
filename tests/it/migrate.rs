//! An app that moves to another log, with real servers on both sides.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::faults::rebuild::fill;
use crate::harness::{Server, said, tool};
use crate::ws::client::{Client, text};

/// Runs the tool on the data of a server that does not run, and puts the new directory in the old one's place.
fn migrate(dir: &TempDir, flags: &[String]) {
    let path = |name: &str| dir.path().join(name);
    let mut command = tool();
    command.arg("migrate").arg("--data").arg(path("data")).arg("--to").arg(path("moved")).args(flags);
    said(&command.output().expect("the tool runs"));
    let rename = |from: &Path, to: &Path| std::fs::rename(from, to).expect("it is there");
    rename(&path("data"), &path("old"));
    rename(&path("moved"), &path("data"));
}

/// Everybody reads the same on the new log, retries get their first answers, devices go on at their cursors, and talk
/// goes on. `after`: the tool's flags, and the settings of the server on the new log.
pub fn users_notice_nothing(before: &str, after: impl FnOnce(&TempDir) -> (Vec<String>, String)) {
    let server = Server::start(before);
    let scene = fill(&server);
    let [_, bob, carol] = &scene.people;
    let mut phone = Client::connect(&server);
    let timeline = phone.log_in(bob, "phone", json!({}))["timeline"].clone();
    let (had, cursor) = phone.catch_up();
    assert!(!had.is_empty());
    phone.ok("ack", json!({"cursor": cursor}));
    drop(phone);
    let reads = scene.reads(&server);
    let dir = server.stop();

    let (flags, settings) = after(&dir);
    migrate(&dir, &flags);
    let server = Server::start_in(dir, &settings);
    assert_eq!(scene.reads(&server), reads);
    scene.retry_gets_the_first_answer(&server);
    assert_eq!(scene.reads(&server), reads);
    server.send(carol, bob, "after the move");
    let mut phone = Client::connect(&server);
    let login = phone.log_in(bob, "phone", json!({}));
    assert_eq!((&login["cursor"], &login["timeline"]), (&json!(cursor), &timeline));
    let (news, _) = phone.catch_up();
    assert_eq!(news.iter().map(text).collect::<Vec<_>>(), ["after the move"]);
    server.stop();
}

#[test]
fn users_notice_nothing_of_more_partitions() {
    users_notice_nothing("log.partitions = 1", |_| {
        (vec!["--partitions".to_owned(), "3".to_owned()], "log.partitions = 3".to_owned())
    });
}

#[test]
fn users_notice_nothing_of_fewer_partitions() {
    users_notice_nothing("log.partitions = 3", |_| {
        (vec!["--partitions".to_owned(), "2".to_owned()], "log.partitions = 2".to_owned())
    });
}
