//! `export`: every message that took effect, once, in every format, however often it was broken off.

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{Server, lines, message, open, out, replay, submit, written};

/// The texts of an export as NDJSON.
fn texts(ndjson: &str) -> Vec<String> {
    let text = |line: &str| {
        let message: Value = serde_json::from_str(line).unwrap();
        message["body"][0]["MsgContent"]["Text"].as_str().unwrap().to_owned()
    };
    ndjson.lines().map(text).collect()
}

/// The names of a folder's parts, in order.
fn parts(folder: &Path, extension: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(extension)).collect::<BTreeSet<_>>().into_iter().collect()
}

fn read_parts(folder: &Path) -> String {
    let read = |name: &String| std::fs::read_to_string(folder.join(name)).unwrap();
    parts(folder, ".ndjson").iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_stands_once_and_says_who_did_not_get_it() {
    let dir = written().await;
    let messages = lines(&replay("export", dir.path(), &[]));
    let texts: Vec<&Value> = messages.iter().map(|line| &line["body"][0]["MsgContent"]["Text"]).collect();
    assert_eq!(texts, ["hello", "hi", "there?"], "a repeat is no message");
    assert_eq!(messages[2]["not_delivered"][0], "bob");
    assert_eq!(messages[0]["not_delivered"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_by_place_account_and_conversation() {
    let dir = written().await;
    let chosen = |options: &[&str]| texts(&out(&replay("export", dir.path(), options)));
    assert_eq!(chosen(&["--account", "carol"]), ["hi"]);
    assert_eq!(chosen(&["--account", "carol", "--peer", "alice"]), ["hi"]);
    assert_eq!(chosen(&["--account", "carol", "--peer", "bob"]), [""; 0]);
    assert_eq!(chosen(&["--account", "bob"]), ["hello", "there?"]);
    let all = lines(&replay("export", dir.path(), &[]));
    let second = all[1]["offset"].to_string();
    assert_eq!(chosen(&["--from", &second]), ["hi", "there?"]);
    assert_eq!(chosen(&["--until", &second]), ["hello"]);
    assert_eq!(chosen(&["--until", "2000-01-01T00:00:00Z"]), [""; 0]);
    assert_eq!(chosen(&["--from", "2000-01-01T00:00:00Z"]), ["hello", "hi", "there?"]);
    assert_eq!(replay("export", dir.path(), &["--peer", "bob"]).status.code(), Some(2), "of whom?");
    assert_eq!(replay("export", dir.path(), &["--format", "xml"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_written_whole() {
    let dir = written().await;
    let file = dir.path().join("messages.ndjson");
    let to_file = ["--account", "carol", "--format", "ndjson", "--output", file.to_str().unwrap()];
    assert_eq!(out(&replay("export", dir.path(), &to_file)), "");
    assert_eq!(texts(&std::fs::read_to_string(&file).unwrap()), ["hi"]);
    assert_eq!(parts(dir.path(), ".unfinished"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_written_and_stays_one() {
    let dir = written().await;
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap())
    };
    out(&replay("export", dir.path(), &["--output", pipe.to_str().unwrap()]));
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(texts(&reader.join().unwrap()), ["hello", "hi", "there?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_stays_and_what_it_names_is_written() {
    let dir = written().await;
    let path = |name: &str| dir.path().join(name);
    std::fs::create_dir(path("there")).unwrap();
    // Of the second file the link is all that there is yet, and the third link leads to the second one.
    std::fs::write(path("there/1.ndjson"), "old").unwrap();
    for (link, to) in [("1", "there/1.ndjson"), ("2", "there/2.ndjson"), ("3", "2")] {
        symlink(to, path(link)).unwrap();
        out(&replay("export", dir.path(), &["--output", path(link).to_str().unwrap(), "--account", "carol"]));
        assert!(std::fs::symlink_metadata(path(link)).unwrap().is_symlink());
        assert_eq!(texts(&std::fs::read_to_string(path(link)).unwrap()), ["hi"]);
    }
    assert_eq!(parts(&path("there"), "ndjson"), ["1.ndjson", "2.ndjson"]);
    symlink("round", path("round")).unwrap();
    let round = replay("export", dir.path(), &["--output", path("round").to_str().unwrap()]);
    assert_eq!(round.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&round.stderr).contains("round cannot be written"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_goes_on_where_it_stopped() {
    let dir = written().await;
    let folder = dir.path().join("out");
    let to_folder = ["--output", folder.to_str().unwrap(), "--part", "1"];
    let export = || out(&replay("export", dir.path(), &to_folder));
    export();
    assert_eq!(texts(&read_parts(&folder)), ["hello", "hi", "there?"]);
    export();
    assert_eq!(texts(&read_parts(&folder)), ["hello", "hi", "there?"], "nothing is new");

    let server = open(dir.path());
    let Server { engine, .. } = &server;
    submit(engine, "carol", message("alice", "later", 9)).await;
    export();
    assert_eq!(texts(&read_parts(&folder)), ["hello", "hi", "there?", "later"], "beside a server");
    engine.stop();

    let other = ["--output", folder.to_str().unwrap(), "--account", "bob"];
    let refused = replay("export", dir.path(), &other);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another folder"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_off_leaves_nothing_twice_and_nothing_out() {
    let dir = written().await;
    let folder = dir.path().join("out");
    let path = folder.to_str().unwrap().to_owned();
    let all = lines(&replay("export", dir.path(), &[]));
    let after_first = (all[0]["offset"].as_u64().unwrap() + 1).to_string();
    out(&replay("export", dir.path(), &["--output", &path, "--until", &after_first]));
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    out(&replay("export", dir.path(), &["--output", &path]));
    let whole = read_parts(&folder);
    assert_eq!(texts(&whole), ["hello", "hi", "there?"]);

    // A crash before the manifest: the part is there, and the state is ahead.
    std::fs::write(folder.join("manifest.json"), &manifest).unwrap();
    std::fs::write(folder.join("messages-0-x.ndjson.unfinished"), "{").unwrap();
    out(&replay("export", dir.path(), &["--output", &path]));
    assert_eq!(read_parts(&folder), whole);
    // One that lost the state: it is folded again.
    std::fs::remove_dir_all(folder.join(".state")).unwrap();
    out(&replay("export", dir.path(), &["--output", &path]));
    assert_eq!(read_parts(&folder), whole);
    assert_eq!(parts(&folder, ".unfinished"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_another_log_is_refused() {
    let (one, other) = (written().await, written().await);
    let folder = one.path().join("out");
    let to_folder = ["--output", folder.to_str().unwrap()];
    out(&replay("export", one.path(), &to_folder));
    let refused = replay("export", other.path(), &to_folder);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("do not belong together"));
}
