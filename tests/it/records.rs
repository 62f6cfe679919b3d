//! Record files: looked up through the server API, downloaded by whoever has the URL.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::thread;
use std::time::Instant;

use duolog::clock::Clock;
use duolog::data_dir::{DataDir, OpenData};
use duolog::engine::{Engine, Parts};
use duolog::open_log::open_log;
use duolog::records::{Hour, UtcOffset};
use duolog_test_messages::{import, message, name};
use duolog_topics::{ConsumerAdvance, PolicyChanged};
use flate2::read::GzDecoder;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{self, ADMIN, PATIENCE, Response, Server, body, now, query};

const HOUR: u64 = 3_600;

/// Two hours ago, in Unix seconds: that hour is closed by the server's start.
pub fn then() -> u64 {
    now() - 2 * HOUR
}

/// A data directory that was used at a time, and not since: alice said some things to bob.
async fn used(time: u64, texts: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    use_at(time, &dir, "", texts, None).await;
    dir
}

/// Lets alice say some things to bob, at a time, in a server's directory with these settings. A consumer may be known
/// there that has not been told of them.
pub async fn use_at(time: u64, dir: &TempDir, settings: &str, texts: &[&str], consumer: Option<&str>) {
    let config = harness::configured(dir, settings);
    let data = DataDir::new(dir.path().join("data"), None);
    let OpenData { log, stores, expiry, lock } = data.open_with(|| open_log(&config, &data)).unwrap();
    let policy = PolicyChanged { revision: 1, ..PolicyChanged::default() };
    let clock = Some(Clock::manual(time * 1000));
    let parts = Parts { log, stores, expiry, policy, node: "test".to_owned(), clock, aside: None };
    let engine = Engine::open(parts, |_, _, _| {}).unwrap();
    let [alice, bob] = ["alice", "bob"].map(name);
    for account in [&alice, &bob] {
        engine.submit(account, import().into()).await.unwrap();
    }
    for tap in engine.taps() {
        let advance = |name: &str| ConsumerAdvance {
            consumer: name.to_owned(),
            position: Some(tap.watermark()),
            waiting: Vec::new(),
        };
        if let Some(advance) = consumer.map(advance) {
            tap.advance(vec![advance]).await.unwrap();
        }
    }
    for (text, random) in texts.iter().zip(1..) {
        engine.submit(&alice, message(&["bob"], text, random).into()).await.unwrap();
    }
    // What is carried to bob's home arrives at that time as well, and not when a server is started next.
    let (until, mut unread) = (Instant::now() + PATIENCE, 0);
    while unread < texts.len() as u64 {
        assert!(Instant::now() < until, "bob has {unread} messages");
        let owner = bob.clone();
        unread =
            engine.read(&bob, move |rows| Ok(rows.account(&owner)?.map_or(0, |row| row.unread_total))).await.unwrap();
    }
    engine.stop();
    drop(lock);
}

/// The name of the hour that a time lies in.
fn hour_of(time: u64) -> String {
    Hour::of(time * 1000, UtcOffset::UTC).to_string()
}

fn hours_ago(hours: u64) -> String {
    hour_of(now() - hours * HOUR)
}

fn history(server: &Server, hour: &str) -> Value {
    server.call("open_msg_svc/get_history", &json!({"ChatType": "C2C", "MsgTime": hour}))
}

/// The file of an hour, once it is there.
fn file(server: &Server, hour: &str) -> Value {
    let began = Instant::now();
    loop {
        let mut reply = history(server, hour);
        if reply["ErrorCode"] == 0 {
            assert_eq!(reply["File"].as_array().unwrap().len(), 1);
            return reply["File"][0].take();
        }
        assert_eq!(reply["ErrorCode"], 1004, "{reply}");
        assert!(began.elapsed() < PATIENCE, "no file: {reply}");
    }
}

/// The path and query of a URL of this server.
fn target(server: &Server, file: &Value) -> String {
    let url = file["URL"].as_str().unwrap();
    url.strip_prefix(&format!("http://{}", server.addr)).unwrap_or_else(|| panic!("{url}")).to_owned()
}

fn md5(bytes: &[u8]) -> String {
    format!("{:x}", Md5::digest(bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_is_downloaded_with_what_the_reply_says_of_it() {
    let time = then();
    let (hour, dir) = (hour_of(time), used(time, &["one", "two"]).await);
    let server = Server::start_in(dir, "");
    let file = file(&server, &hour);
    let response = server.get(&target(&server, &file));
    assert_eq!((response.status, response.headers["content-type"].as_str()), (200, "application/gzip"));
    let mut text = String::new();
    GzDecoder::new(&response.bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!((&file["GzipSize"], &file["GzipMD5"]), (&json!(response.bytes.len()), &json!(md5(&response.bytes))));
    assert_eq!((&file["FileSize"], &file["FileMD5"]), (&json!(text.len()), &json!(md5(text.as_bytes()))));
    assert_eq!(file["ExpireTime"].as_str().unwrap().len(), "2019-05-10 09:20:00".len());

    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let first = format!(r#"{{"SdkAppId":1400000000,"ChatType":"C2C","MsgTime":"{hour}","MsgList":["#);
    assert_eq!((lines[0], lines[3]), (first.as_str(), "]}"));
    assert!(lines[1].ends_with("},") && lines[2].ends_with('}'), "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    let message = &document["MsgList"][1];
    assert_eq!((&message["From_Account"], &message["To_Account"]), (&json!("alice"), &json!("bob")));
    assert_eq!((&message["MsgSeq"], &message["MsgRandom"], &message["MsgBody"]), (&json!(7), &json!(2), &body("two")));
    assert!(message["MsgTimestamp"].as_u64().unwrap() < now() - HOUR, "{message}");

    let on_disk = std::fs::read(server.dir.path().join(format!("data/records/{hour}.gz"))).unwrap();
    assert_eq!(on_disk, response.bytes);
    let range = |range: &str| server.request("GET", &target(&server, &file), &[("Range", range)], b"");
    let Response { status, bytes, .. } = range("bytes=10-19");
    assert_eq!((status, &bytes[..]), (206, &on_disk[10..20]));
    assert_eq!(server.request("HEAD", &target(&server, &file), &[], b"").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_without_its_signature_opens_nothing() {
    let time = then();
    let (hour, dir) = (hour_of(time), used(time, &["one"]).await);
    let server = Server::start_in(dir, "");
    let good = target(&server, &file(&server, &hour));
    let (path, query) = good.split_once('?').unwrap();
    let other_hour = path.replace(&hour, &hours_ago(3));
    let longer = query.replacen("expires=", "expires=9", 1);
    for refused in [
        path.to_owned(),
        format!("{path}?{longer}"),
        format!("{other_hour}?{query}"),
        format!("/records/index.json?{query}"),
        format!("/records/..%2Fapp.toml?{query}"),
        format!("{}0", &good[..good.len() - 1]),
        format!("{}1", &good[..good.len() - 1]),
    ] {
        // One of the last two is the signature itself.
        if refused != good {
            let response = server.get(&refused);
            assert_eq!((response.status, response.bytes.starts_with(&[0x1f, 0x8b])), (403, false), "{refused}");
        }
    }
    let whole = server.get(&good);
    assert_eq!(whole.status, 200);
    std::fs::remove_file(server.dir.path().join(format!("data/records/{hour}.gz"))).unwrap();
    // It is gone, and some time written again: equal, and never a part of it.
    harness::wait_until("the file is written again", || {
        let again = server.get(&good);
        assert!(again.status == 404 || (again.status, &again.bytes) == (200, &whole.bytes), "{again:?}");
        again.status == 200
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_code() {
    let time = then();
    let (hour, dir) = (hour_of(time), used(time, &["one"]).await);
    let server = Server::start_in(dir, "records.retention_days = 3");
    file(&server, &hour);
    let call = |request: Value| server.code("open_msg_svc/get_history", &request);
    let malformed = server.request("POST", &format!("/v4/open_msg_svc/get_history?{}", query(ADMIN)), &[], b"[]");
    assert_eq!(malformed.code(), 1001);
    assert_eq!(call(json!({"ChatType": "C2C"})), 1002);
    assert_eq!(call(json!({"ChatType": "C2C", "MsgTime": "yesterday"})), 1002);
    assert_eq!(call(json!({"ChatType": "c2c", "MsgTime": hour})), 1002);
    assert_eq!(call(json!({"ChatType": "C2C", "MsgTime": hours_ago(0)})), 1004, "it is not over");
    assert_eq!(call(json!({"ChatType": "C2C", "MsgTime": hours_ago(5)})), 1004, "nobody wrote");
    assert_eq!(call(json!({"ChatType": "Group", "MsgTime": hour})), 1004, "no groups, no messages of theirs");
    assert_eq!(call(json!({"ChatType": "C2C", "MsgTime": hours_ago(3 * 24 + 2)})), 1005);
    // Whoever writes the files may just be about to write a good one.
    let (broken, began) = (server.dir.path().join("broken"), Instant::now());
    let answers_1003 = || {
        std::fs::write(&broken, "{").unwrap();
        std::fs::rename(&broken, server.dir.path().join("data/records/index.json")).unwrap();
        call(json!({"ChatType": "C2C", "MsgTime": hour})) == 1003
    };
    while !answers_1003() {
        assert!(began.elapsed() < PATIENCE, "a broken list of files is never noticed");
    }
}

/// Calls a command from many sides at once, again and again, until a call is refused for its rate; the codes of all calls.
pub fn overrun(server: &Server, command: &str, request: &Value) -> BTreeSet<u64> {
    const AT_ONCE: usize = 40;
    let mut codes = BTreeSet::new();
    harness::wait_until("too many calls are refused", || {
        thread::scope(|scope| {
            let calls: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| server.code(command, request))).collect();
            codes.extend(calls.into_iter().map(|call| call.join().expect("each call is answered")));
        });
        codes.contains(&60011)
    });
    codes
}

#[test]
fn it_is_called_ten_times_a_second_at_most() {
    let server = Server::start("server.rate_limit = 200");
    let request = json!({"ChatType": "C2C", "MsgTime": hours_ago(1)});
    let codes: Vec<_> = (0..10).map(|_| server.code("open_msg_svc/get_history", &request)).collect();
    assert_eq!(codes, [1004; 10]);
    let codes = overrun(&server, "open_msg_svc/get_history", &request);
    assert!(codes.iter().all(|code| [1004, 60011].contains(code)), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_begin_with_the_public_address_and_names_follow_the_chosen_clock() {
    let time = then();
    let dir = used(time, &["one"]).await;
    let server = Server::start_in(dir, "server.public_url = 'https://im.example.com/'\nrecords.utc_offset = '+08:00'");
    let hour = Hour::of(time * 1000, UtcOffset::minutes(480)).to_string();
    let file = file(&server, &hour);
    let url = file["URL"].as_str().unwrap();
    assert!(url.starts_with(&format!("https://im.example.com/records/{hour}.gz?")), "{url}");
}
