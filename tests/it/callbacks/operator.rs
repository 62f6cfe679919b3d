use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Instant;

use duolog::consumers::callback::Callback;
use duolog::consumers::{DeadLetters, Delivery, Lane};
use duolog::data_dir::DataDir;
use duolog::domain::rows::Pointer;
use duolog_topics::{Account, RawJson};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::endpoint;
use super::receiver::{Answer, Receiver};
use crate::harness::{PATIENCE, Server, replay};
use crate::records::{then, use_at};

const AFTER_SEND: &str = "C2C.CallbackAfterSendMsg";
const CONSUMER: &str = "callback.default";

fn redeliver(dir: &Path, what: &[&str]) -> Output {
    let config = dir.join("duolog.toml").display().to_string();
    replay(dir, &[&["redeliver", "--consumer", CONSUMER, "--config", &config], what].concat(), &[])
}

/// A line for each partition. `log`: the flags that say which log it is.
fn lags(dir: &Path, log: &[&str]) -> Vec<Value> {
    let output = replay(dir, &[&["lag"], log].concat(), &[]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn lag(dir: &Path) -> Value {
    lags(dir, &[]).swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_told_of_and_delivered_again() {
    given_up("", |_| Vec::new(), |_| {}).await;
}

/// A message of two hours ago that nobody takes within one hour: it stands in the stream of dead letters, beside the log of
/// whatever provider, and is delivered from there. `settings`: of the server; `log`: the flags that say which log it is;
/// `look`: what else there is to see of the letter while the server runs.
pub async fn given_up(settings: &str, log: impl Fn(&TempDir) -> Vec<String>, look: impl FnOnce(&Server)) {
    let receiver = Receiver::start();
    let settings = format!("{settings}callback.give_up_hours = 1\n{}", endpoint(&receiver.url(), &[AFTER_SEND]));
    let addr = receiver.stop();
    let dir = tempfile::tempdir().expect("a temporary directory");
    use_at(then(), &dir, &settings, &["lost"], Some(CONSUMER)).await;
    let server = Server::start_in(dir, &settings);
    let until = Instant::now() + PATIENCE;
    let counted = format!("duolog_consumer_dead_letters_total{{consumer=\"{CONSUMER}\"}} 1");
    while !server.get("/metrics").body.contains(&counted) {
        assert!(Instant::now() < until, "it is not given up: {}", server.get("/metrics").body);
    }
    look(&server);
    let dir = server.stop();
    let log = log(&dir);
    let log: Vec<&str> = log.iter().map(String::as_str).collect();
    let lags = lags(dir.path(), &log);
    // Where nothing was delivered or given up, a position trails.
    let with_letters: Vec<_> = lags.iter().filter(|line| line["dead_letters"] != 0).collect();
    assert_eq!(with_letters.len(), 1, "{lags:?}");
    assert_eq!((&with_letters[0]["dead_letters"], &with_letters[0]["behind"]), (&json!(1), &json!(0)), "{lags:?}");

    let receiver = Receiver::start_at(addr, |_| Answer::ok());
    let output = redeliver(dir.path(), &[&["--dead-letters"], &log[..]].concat());
    assert!(output.status.success(), "{output:?}");
    let seen = receiver.taken(1);
    assert_eq!((seen.len(), seen[0].said()), (1, "lost"));
}

/// Everything from the log's beginning again, with the ids of the first time; what trails is told.
#[test]
fn the_log_is_delivered_again_and_lag_is_told() {
    let receiver = Receiver::start();
    let settings = endpoint(&receiver.url(), &[AFTER_SEND]);
    let server = Server::start(&settings);
    let [alice, bob] = server.accounts();
    for text in ["1", "2", "3"] {
        server.send(&alice, &bob, text);
    }
    let first = receiver.taken(3);
    let dir = server.stop();
    assert_eq!(lag(dir.path())["behind"], 0);
    let output = redeliver(dir.path(), &["--from", "0"]);
    assert!(output.status.success(), "{output:?}");
    let again = receiver.seen().split_off(3);
    let told = |seen: &[super::receiver::Seen]| -> Vec<(String, String)> {
        seen.iter().map(|one| (one.id().to_owned(), one.text.clone())).collect()
    };
    assert_eq!(told(&again), told(&first));
    let none = redeliver(dir.path(), &["--from", "0", "--account", "somebody-else"]);
    assert!(none.status.success() && receiver.seen().len() == 6);

    let addr = receiver.stop();
    let server = Server::start_in(dir, &settings);
    server.send(&alice, &bob, "4");
    let dir = server.kill();
    let told = lag(dir.path());
    assert_eq!((&told["consumer"], told["since"].is_string()), (&json!(CONSUMER), true), "{told}");
    assert!(told["behind"].as_u64().expect("a number") >= 1, "{told}");
    let receiver = Receiver::start_at(addr, |_| Answer::ok());
    let _server = Server::start_in(dir, &settings);
    assert_eq!(receiver.taken(1)[0].said(), "4");
}

#[test]
fn dead_letters_are_delivered_again() {
    let receiver = Receiver::start();
    let server = Server::start(&endpoint(&receiver.url(), &[AFTER_SEND]));
    let dir = server.stop();
    let data = DataDir::new(dir.path().join("data"), None);
    let letters = DeadLetters::new(data.open_dead_letters().expect("nobody has it open"));
    for (consumer, id) in [(CONSUMER, "a-0"), ("callback.other", "b-0"), (CONSUMER, "c-0")] {
        let account = Account::new("alice").expect("a name");
        let body = json!({"CallbackCommand": AFTER_SEND, "id": id}).to_string();
        let payload = Callback {
            command: AFTER_SEND.to_owned(),
            client_ip: String::new(),
            platform: "RESTAPI".to_owned(),
            body: RawJson::from_checked(Arc::<str>::from(body)),
        };
        let lane = Lane::of([&account]);
        let delivery = Delivery { id: id.to_owned(), account, at: Pointer::default(), time: 1, lane, payload };
        letters.append(consumer, &delivery, "it was down", 3, 1_700_000_000_000).expect("it is written");
    }
    drop(letters);
    let output = redeliver(dir.path(), &["--dead-letters"]);
    assert!(output.status.success(), "{output:?}");
    let seen = receiver.taken(2);
    assert_eq!(seen.iter().map(|one| one.id()).collect::<Vec<_>>(), ["a-0", "c-0"]);
    let later = redeliver(dir.path(), &["--dead-letters", "--from", "2033-01-01T00:00:00Z"]);
    assert!(later.status.success() && receiver.seen().len() == 2);
    drop(receiver);
    assert!(!redeliver(dir.path(), &["--dead-letters"]).status.success(), "nobody took them");
}
