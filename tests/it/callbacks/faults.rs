use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::endpoint;
use super::receiver::{Answer, Receiver, Seen};
use crate::harness::{Server, body, random};

const AFTER_SEND: &str = "C2C.CallbackAfterSendMsg";
const SENDERS: usize = 4;
const EACH: usize = 25;

/// The texts of each sender in the order in which they were first taken.
pub fn in_order(seen: &[Seen]) -> BTreeMap<String, Vec<String>> {
    let (mut known, mut texts) = (BTreeSet::new(), BTreeMap::<String, Vec<String>>::new());
    for one in seen.iter().filter(|one| one.taken) {
        if known.insert(one.id().to_owned()) {
            let from = one.body["From_Account"].as_str().expect("a sender").to_owned();
            texts.entry(from).or_default().push(one.said().to_owned());
        }
    }
    texts
}

/// One message has one id, whatever happened between its tries.
pub fn ids_are_stable(seen: &[Seen]) {
    let mut ids: BTreeMap<[&str; 3], &str> = BTreeMap::new();
    for one in seen {
        // A key names a message within its conversation.
        let key = ["From_Account", "To_Account", "MsgKey"].map(|name| one.body[name].as_str().expect("a text"));
        assert_eq!(*ids.entry(key).or_insert(one.id()), one.id());
    }
}

/// The receiver is down, the server is killed meanwhile, the receiver comes back: every callback comes, in order.
#[test]
fn an_outage_and_a_kill_lose_nothing() {
    let first = Receiver::start();
    let settings = endpoint(&first.url(), &[AFTER_SEND]);
    let server = Server::start(&settings);
    let people: [String; SENDERS + 1] = server.accounts();
    let to = &people[SENDERS];
    let say = |server: &Server, round: usize| {
        for number in 0..EACH {
            people[..SENDERS].iter().for_each(|from| drop(server.send(from, to, &format!("{round}-{number}"))));
        }
    };
    say(&server, 0);
    let mut seen = first.taken(SENDERS * EACH);
    let addr = first.stop();
    say(&server, 1);
    let server = Server::start_in(server.kill(), &settings);
    say(&server, 2);

    // Not everybody is let through at once when it comes back.
    let mut refused = 0;
    let back = Receiver::start_at(addr, move |_| {
        refused += 1;
        if refused <= 10 { Answer::Status(503) } else { Answer::ok() }
    });
    let all = |seen: &[Seen]| seen.iter().filter(|one| one.taken && one.said().starts_with(['1', '2'])).count();
    seen.extend(back.wait(|seen| all(seen) >= 2 * SENDERS * EACH));
    ids_are_stable(&seen);
    let expected: Vec<String> =
        (0..3).flat_map(|round| (0..EACH).map(move |number| format!("{round}-{number}"))).collect();
    for (from, texts) in in_order(&seen) {
        assert_eq!(texts, expected, "of {from}");
    }
    assert_eq!(in_order(&seen).len(), SENDERS);
    let ids: BTreeSet<&str> = seen.iter().map(Seen::id).collect();
    assert_eq!(ids.len(), 3 * SENDERS * EACH, "and nothing else");

    // What was taken is not told again after an orderly restart.
    let before = back.seen().len();
    let server = Server::start_in(server.stop(), &settings);
    server.send(&people[0], to, "3-0");
    let seen = back.wait(|seen| seen.last().is_some_and(|one| one.said() == "3-0"));
    assert_eq!(seen.len(), before + 1);
}

/// Every try has one id; those after it wait, other senders do not: it fails twice, and until another's was there.
#[test]
fn a_failed_callback_is_tried_again_before_those_after_it() {
    let (mut failures, mut another) = (0, false);
    let receiver = Receiver::answering(move |seen| {
        another |= seen.said() == "another's";
        if seen.said() == "bad" && (failures < 2 || !another) {
            failures += 1;
            return Answer::Status(if failures % 2 == 1 { 500 } else { 302 });
        }
        Answer::ok()
    });
    let server = Server::start(&endpoint(&receiver.url(), &[AFTER_SEND]));
    let [alice, bob, carol] = server.accounts();
    server.send(&alice, &bob, "bad");
    server.send(&alice, &bob, "after it");
    server.send(&carol, &bob, "another's");
    let seen = receiver.taken(3);
    ids_are_stable(&seen);
    let place = |text: &str| seen.iter().position(|one| one.taken && one.said() == text).unwrap();
    assert!(place("another's") < place("bad") && place("bad") < place("after it"));
    assert!(seen.iter().filter(|one| one.said() == "bad").count() >= 3);
}

/// A receiver that takes connections and never answers delays neither sends nor the other receiver.
#[test]
fn a_receiver_that_hangs_delays_nobody() {
    let hanging = Receiver::answering(|_| Answer::Hang);
    let healthy = Receiver::start();
    let endpoints = format!(
        "callback.parallel = 2\ncallback.endpoints = [{{ name = 'hangs', url = '{}' }}, {{ name = 'lives', url = '{}' }}]",
        hanging.url(),
        healthy.url()
    );
    let server = Server::start(&endpoints);
    let [alice, bob] = server.accounts();
    for number in 0..100 {
        server.send(&alice, &bob, &number.to_string());
    }
    let seen = healthy.taken(100);
    let texts: Vec<_> = in_order(&seen).remove(&alice).unwrap();
    assert_eq!(texts, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(hanging.seen().iter().all(|one| one.said() == "0"), "the first one is still tried");
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains("duolog_consumer_lag_records{consumer=\"callback.hangs\""), "{metrics}");
}

/// A consumer that is switched off is recorded so; switched on again it starts with what is new.
#[test]
fn a_consumer_that_is_off_holds_back_nothing() {
    let receiver = Receiver::start();
    let settings = endpoint(&receiver.url(), &[AFTER_SEND]);
    let server = Server::start(&settings);
    let [alice, bob] = server.accounts();
    server.send(&alice, &bob, "on");
    receiver.taken(1);
    let server = Server::start_in(server.stop(), "");
    let request = json!({"From_Account": alice, "To_Account": bob, "MsgRandom": random(), "MsgBody": body("off")});
    server.ok("openim/sendmsg", &request);
    let server = Server::start_in(server.stop(), &settings);
    server.send(&alice, &bob, "on again");
    let texts: Vec<_> = receiver.taken(2).iter().map(|one| one.said().to_owned()).collect();
    assert_eq!(texts, ["on", "on again"]);
}
