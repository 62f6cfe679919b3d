use duolog_topics::{CloseReason, Platform};
use serde_json::json;

use super::bench::*;
use crate::domain::verdict::{EndReason, Excluder};
use crate::error::Code;
use crate::gateway::ws::op::Granted;
use crate::gateway::ws::protocol::{CloseCode, Flaw};
use crate::gateway::ws::session::{Answer, Call, Input, Output};

fn end_reason(bench: &Bench) -> Option<CloseReason> {
    bench.end.as_ref().map(|end| {
        assert_eq!((end.account.as_str(), end.session.as_str()), ("alice", "s1"));
        end.reason
    })
}

#[test]
fn a_kick_is_told_with_its_reason_before_the_end() {
    let by = Excluder { platform: Platform::Ipad, device: "e".to_owned(), time: 5 };
    let told = json!({"reason": "login_elsewhere", "by": {"platform": "ipad", "device": "e", "time": 5}});
    let cases = [
        (EndReason::LoginElsewhere(by), told),
        (EndReason::KickedByAdmin, json!({"reason": "admin"})),
        (EndReason::AccountDeleted, json!({"reason": "account_deleted"})),
    ];
    for (reason, data) in cases {
        let mut bench = Bench::live(5);
        bench.input(Input::Ended(reason));
        assert_eq!(bench.frame(), json!({"push": "kicked", "data": data}));
        assert_eq!(bench.closed(), CloseCode::Kicked);
        assert_eq!(end_reason(&bench), None, "the log knows it");
    }
}

#[test]
fn a_connection_is_replaced_by_the_same_device_without_a_word() {
    let mut bench = Bench::live(5);
    bench.input(Input::Ended(EndReason::Replaced));
    assert_eq!(bench.closed(), CloseCode::Replaced);
    assert_eq!(end_reason(&bench), None);
}

#[test]
fn an_ack_counts_after_the_end() {
    let mut bench = Bench::live(5);
    bench.input(Input::Ended(EndReason::KickedByAdmin));
    bench.out.clear();
    bench.request(2, "ack", json!({"cursor": 5}));
    assert!(matches!(bench.call(), Call::Ack(5)));
    bench.request(3, "ping", json!({}));
    bench.nothing();
}

#[test]
fn a_lost_link_a_stall_and_a_long_frame_leave_the_session_open_to_come_back() {
    let cases = [
        (Input::Gone, None),
        (Input::Stalled, Some(CloseCode::Stalled)),
        (Input::Flawed(Flaw::TooLong), Some(CloseCode::TooLong)),
    ];
    for (input, code) in cases {
        let mut bench = Bench::live(5);
        bench.input(input);
        if let Some(code) = code {
            assert_eq!(bench.closed(), code);
        }
        assert_eq!(end_reason(&bench), Some(CloseReason::LinkLost));
    }
}

#[test]
fn sessions_end_with_their_server() {
    let mut bench = Bench::live(5);
    bench.input(Input::Draining);
    assert_eq!(bench.closed(), CloseCode::GoingAway);
    assert_eq!(end_reason(&bench), None);
    let mut bench = Bench::live(5);
    bench.input(Input::Moved);
    assert_eq!(bench.closed(), CloseCode::Moved);
    assert_eq!(end_reason(&bench), None);
}

#[test]
fn what_was_asked_for_is_answered_before_the_server_stops() {
    let mut bench = Bench::live(5);
    bench.request(2, "sync", json!({"after": 0}));
    let ticket = bench.ticket();
    bench.input(Input::Draining);
    bench.nothing();
    bench.request(3, "sync", json!({"after": 0}));
    assert_eq!(bench.error(), (json!(3), 60_007));
    bench.request(4, "ping", json!({}));
    assert_eq!(bench.frame()["id"], 4);
    bench.answer(ticket, Ok(Granted::Ok("{}".to_owned())));
    assert_eq!(bench.frame()["id"], 2);
    assert_eq!(bench.closed(), CloseCode::GoingAway);
    assert_eq!(end_reason(&bench), None);
}

#[test]
fn a_server_that_stops_does_not_wait_for_an_answer_that_cannot_leave() {
    let mut bench = Bench::live(5);
    bench.request(2, "sync", json!({"after": 0}));
    bench.ticket();
    bench.input(Input::Draining);
    bench.nothing();
    bench.input(Input::Draining);
    assert_eq!(bench.closed(), CloseCode::GoingAway);
    assert_eq!(end_reason(&bench), None);
}

#[test]
fn a_logout_is_answered_after_everything_before_it() {
    let mut bench = Bench::live(5);
    bench.request(2, "sync", json!({"after": 0}));
    let ticket = bench.ticket();
    bench.request(3, "logout", json!({}));
    bench.nothing();
    bench.request(4, "sync", json!({"after": 0}));
    assert_eq!(bench.error(), (json!(4), 20_002));
    bench.answer(ticket, Ok(Granted::Ok("{}".to_owned())));
    assert_eq!(bench.frame()["id"], 2);
    assert!(matches!(bench.call(), Call::LogOut));
    // The log tells it, too.
    bench.input(Input::Ended(EndReason::LoggedOut));
    bench.nothing();
    bench.input(Input::Answer(Answer::LogOut(Ok(()))));
    assert_eq!(bench.frame(), json!({"id": 3, "ok": {}}));
    assert_eq!(bench.closed(), CloseCode::Done);
    assert_eq!(end_reason(&bench), None);
}

#[test]
fn a_logout_that_failed_leaves_the_session() {
    let mut bench = Bench::live(5);
    bench.request(2, "logout", json!({}));
    bench.call();
    bench.input(Input::Answer(Answer::LogOut(Err(Code::REQUEST_TIMEOUT.into()))));
    assert_eq!(bench.error(), (json!(2), 60_008));
    bench.request(3, "ping", json!({}));
    assert_eq!(bench.frame()["id"], 3);
}

#[test]
fn a_silent_client_is_pinged_and_then_given_up() {
    let mut bench = Bench::live(5);
    assert_eq!(bench.machine.next_time(), START + 25_000);
    for _ in 0..3 {
        bench.time(25_000);
        assert!(matches!(bench.out.pop_front(), Some(Output::Ping)));
    }
    bench.time(14_999);
    bench.nothing();
    bench.time(1);
    assert_eq!(bench.closed(), CloseCode::GoingAway);
    assert_eq!(end_reason(&bench), Some(CloseReason::TimeOut));
}

#[test]
fn every_frame_counts_as_life() {
    let mut bench = Bench::live(5);
    bench.time(60_000);
    bench.out.clear();
    bench.input(Input::Alive);
    bench.time(60_000);
    bench.out.clear();
    bench.request(2, "ping", json!({}));
    bench.out.clear();
    bench.time(60_000);
    assert!(!bench.machine.has_ended());
}

#[test]
fn a_signature_that_ends_is_told_of_in_time_and_can_be_renewed() {
    let mut bench = Bench::live(5);
    let expires = START + VALID * 1000;
    let go_to = |bench: &mut Bench, time: u64| {
        bench.now = time;
        bench.input(Input::Alive);
        bench.out.clear();
        bench.input(Input::Time);
        bench.out.retain(|output| !matches!(output, Output::Ping));
    };
    go_to(&mut bench, expires - 300_000);
    assert_eq!(bench.frame(), json!({"push": "expiring", "data": {"expires": expires}}));
    bench.request(2, "renew", json!({"user_sig": "x"}));
    let ticket = bench.ticket();
    bench.answer(ticket, Ok(Granted::Renewed { expires_at: expires / 1000 + 600 }));
    assert_eq!(bench.frame(), json!({"id": 2, "ok": {"expires": expires + 600_000}}));
    go_to(&mut bench, expires + 1_000);
    bench.nothing();
    go_to(&mut bench, expires + 300_000);
    assert_eq!(bench.frame()["push"], "expiring");
    go_to(&mut bench, expires + 601_000);
    assert_eq!(bench.frame(), json!({"push": "kicked", "data": {"reason": "signature_expired"}}));
    assert_eq!(bench.closed(), CloseCode::Kicked);
    assert_eq!(end_reason(&bench), Some(CloseReason::SignatureExpired));
}
