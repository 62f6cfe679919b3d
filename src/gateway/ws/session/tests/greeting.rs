use serde_json::{Value, json};

use super::bench::*;
use crate::domain::verdict::{Excluder, Refusal};
use crate::error::Code;
use crate::gateway::ws::protocol::{CloseCode, Flaw};
use crate::gateway::ws::session::{Answer, Call, Input, Output};

fn refuse(bench: &mut Bench, failure: impl Into<crate::gateway::ws::protocol::Failure>) {
    bench.input(Input::Answer(Answer::Login(Err(failure.into()))));
}

#[test]
fn a_login_is_answered_with_all_that_a_client_has_to_know() {
    let mut bench = Bench::new();
    bench.request(3, "login", login_args());
    let Call::Login(login, verified) = bench.call() else { panic!("no login") };
    assert_eq!((login.account.as_str(), verified.signed_at), ("alice", START / 1000));
    assert!(!bench.machine.wants_frames(), "frames wait for the answer");
    let mut accepted = logged_in(4, 9);
    (accepted.opened.gap, accepted.heartbeat) = (Some((5, 7)), Some(60));
    bench.input(Input::Answer(Answer::Login(Ok(Box::new(accepted)))));
    assert!(bench.machine.wants_frames());
    let mut reply = bench.frame();
    assert_eq!(reply["id"], 3);
    let ok = reply["ok"].take();
    assert_eq!(ok["limits"]["in_flight"], 256);
    assert_eq!(ok["limits"]["page"], 200);
    assert_eq!(ok["limits"]["history_page"], 100);
    assert_eq!(ok["policy"]["login"], "single");
    assert_eq!(ok["policy"]["recall_seconds"], 120);
    assert_eq!(ok["policy"].get("blacklist_answer"), None);
    for (field, value) in [
        ("session", json!("s1")),
        ("server_time", json!(START)),
        ("timeline", json!("t")),
        ("cursor", json!(7)),
        ("head", json!(9)),
        ("gap", json!({"from": 5, "to": 7})),
        ("expires", json!(START + VALID * 1000)),
        ("heartbeat", json!(60)),
    ] {
        assert_eq!(ok[field], value, "{field}");
    }
    // What has changed of the recent contacts since the device's cursor is told, though the entries are gone.
    let Call::CatchUp { after: 7, contacts_since: Some(4) } = bench.call() else { panic!("no catch-up") };
}

#[test]
fn nothing_but_a_login_is_answered() {
    let mut bench = Bench::new();
    for op in ["ping", "logout", "sync"] {
        bench.request(5, op, json!({"after": 1}));
        assert_eq!(bench.error(), (json!(5), 20_002));
    }
    bench.request(6, "paint", json!({}));
    assert_eq!(bench.error(), (json!(6), 60_009));
}

#[test]
fn a_connection_without_a_login_ends_after_ten_seconds() {
    let mut bench = Bench::new();
    bench.request(1, "ping", json!({}));
    bench.frame();
    assert_eq!(bench.machine.next_time(), START + 10_000);
    bench.time(9_999);
    bench.nothing();
    bench.time(1);
    assert_eq!(bench.closed(), CloseCode::NotLoggedIn);
    assert!(bench.end.is_none());
}

#[test]
fn a_login_that_is_being_decided_is_waited_for() {
    let mut bench = Bench::new();
    bench.request(1, "login", login_args());
    bench.call();
    bench.time(60_000);
    bench.nothing();
    refuse(&mut bench, Code::REQUEST_TIMEOUT);
    assert_eq!(bench.error(), (json!(1), 60_008));
    bench.time(0);
    assert_eq!(bench.closed(), CloseCode::NotLoggedIn);
}

#[test]
fn three_refused_logins_end_it_whoever_refuses_them() {
    let mut bench = Bench::new();
    let mut wrong = login_args();
    wrong["user_sig"] = json!("x");
    bench.request(1, "login", wrong);
    assert_eq!(bench.error(), (json!(1), 70_003));
    bench.request(2, "login", json!({"account": "alice"}));
    assert_eq!(bench.error(), (json!(2), 70_402));
    bench.request(3, "login", login_args());
    bench.call();
    let by = Excluder { platform: duolog_topics::Platform::Ipad, device: "e".to_owned(), time: 5 };
    refuse(&mut bench, Refusal { code: Code::KICKED_BY_OTHER, by: Some(by) });
    let reply = bench.frame();
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(3), &json!(6_208)));
    assert_eq!(reply["error"]["by"], json!({"platform": "ipad", "device": "e", "time": 5}));
    assert_eq!(bench.closed(), CloseCode::NotLoggedIn);
}

#[test]
fn what_may_succeed_later_is_not_held_against_a_client() {
    let mut bench = Bench::new();
    for id in 0..5 {
        bench.request(id, "login", login_args());
        bench.call();
        refuse(&mut bench, Code::TOO_MANY_REQUESTS);
        assert_eq!(bench.error(), (json!(id), 60_007));
    }
    bench.log_in(0, 0);
}

#[test]
fn the_wrong_signatures_have_their_codes() {
    let others = app().sign(&account("bob"), START / 1000, VALID);
    let old = app().sign(&account("alice"), START / 1000 - 100, 99);
    let foreign = crate::gateway::auth::AppKey::new(1, "key").sign(&account("alice"), START / 1000, VALID);
    let forged = crate::gateway::auth::AppKey::new(1_400_000_000, "other").sign(&account("alice"), START / 1000, VALID);
    for (user_sig, code) in
        [(others, 70_013), (old, 70_001), (foreign, 70_014), (forged, 70_009), (String::new(), 70_002)]
    {
        let mut bench = Bench::new();
        let mut args = login_args();
        args["user_sig"] = json!(user_sig);
        bench.request(1, "login", args);
        assert_eq!(bench.error(), (json!(1), code));
    }
}

#[test]
fn ten_malformed_frames_in_a_row_end_it() {
    let mut bench = Bench::new();
    for _ in 0..2 {
        for _ in 0..9 {
            bench.input(Input::Frame(Some("{")));
            assert_eq!(bench.error(), (Value::Null, 60_003));
        }
        bench.request(1, "ping", json!({}));
        assert_eq!(bench.error().1, 20_002);
    }
    for _ in 0..10 {
        bench.input(Input::Frame(None));
        assert_eq!(bench.error(), (Value::Null, 60_003));
    }
    assert_eq!(bench.closed(), CloseCode::Malformed);
}

#[test]
fn the_end_of_the_server_and_too_long_frames_are_told() {
    let cases = [
        (Input::Draining, CloseCode::GoingAway),
        (Input::Moved, CloseCode::Moved),
        (Input::Flawed(Flaw::TooLong), CloseCode::TooLong),
        (Input::Flawed(Flaw::NoFrame), CloseCode::Malformed),
        (Input::Stalled, CloseCode::Stalled),
    ];
    for (input, code) in cases {
        let mut bench = Bench::new();
        bench.input(input);
        assert_eq!(bench.closed(), code);
    }
    let mut bench = Bench::new();
    bench.input(Input::Gone);
    bench.nothing();
    assert!(bench.machine.has_ended());
    bench.input(Input::Frame(Some(r#"{"id": 1, "op": "ack", "args": {"cursor": 1}}"#)));
    assert!(!bench.out.iter().any(|output| matches!(output, Output::Call(_))), "there is no session to ack for");
}
