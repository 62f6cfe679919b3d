use serde_json::json;

use super::bench::*;
use crate::domain::verdict::Announcement;
use crate::domain::view::Entry;
use crate::error::Code;
use crate::gateway::ws::op::Granted;
use crate::gateway::ws::session::Call;
use crate::gateway::ws::settings::Limits;

fn ok() -> Granted {
    Granted::Ok("{}".to_owned())
}

#[test]
fn a_live_send_is_answered_in_the_place_of_its_entry() {
    for answer_first in [true, false] {
        let mut bench = Bench::live(5);
        bench.send(2, "bob", 7);
        let ticket = bench.ticket();
        if answer_first {
            bench.answer(ticket, Ok(sent(Some(7), 7)));
            bench.nothing();
        }
        bench.announce(&announcement(6, received(1)));
        assert_eq!(span(&bench.frame()), (5, 6, false));
        bench.announce(&own(7, "bob", 7));
        let key = format!("1_7_{}", START / 1000);
        assert_eq!(bench.frame(), json!({"id": 2, "ok": {"key": key, "time": START, "seq": 7}}));
        if !answer_first {
            bench.answer(ticket, Ok(sent(Some(7), 7)));
        }
        bench.nothing();
        // The next push begins where the client's cursor is: replies do not move it.
        bench.announce(&announcement(8, received(2)));
        assert_eq!(span(&bench.frame()), (6, 8, false));
    }
}

#[test]
fn own_messages_that_nobody_waits_for_are_pushed() {
    let mut bench = Bench::live(5);
    bench.announce(&Announcement { by_session: Some("s0".to_owned()), ..own(6, "bob", 7) });
    assert_eq!(sequences(&bench.frame()), [6]);
    bench.send(2, "bob", 8);
    let ticket = bench.ticket();
    bench.answer(ticket, Err(Code::REQUEST_TIMEOUT.into()));
    assert_eq!(bench.error(), (json!(2), 60_008));
    bench.announce(&own(7, "bob", 8));
    assert_eq!(sequences(&bench.frame()), [7]);
}

#[test]
fn refusals_and_repeats_are_answered_at_once() {
    let mut bench = Bench::live(5);
    bench.send(2, "bob", 7);
    let ticket = bench.ticket();
    bench.answer(ticket, Err(Code::NOT_FRIENDS.into()));
    assert_eq!(bench.error(), (json!(2), 20_009));
    bench.send(3, "bob", 8);
    let ticket = bench.ticket();
    let Granted::Sent { sent, .. } = sent(Some(9), 8) else { unreachable!() };
    bench.answer(ticket, Ok(Granted::Sent { sent, repeat: true }));
    assert_eq!(bench.frame()["ok"]["seq"], 9);
}

#[test]
fn while_catching_up_a_send_is_answered_when_its_answer_comes() {
    let mut bench = Bench::logged_in(0, 5);
    bench.catch_up();
    bench.send(2, "bob", 7);
    let ticket = bench.ticket();
    bench.answer(ticket, Ok(sent(Some(6), 7)));
    assert_eq!(bench.frame()["ok"]["seq"], 6);
}

#[test]
fn a_page_that_holds_a_message_answers_its_send_before_refresh() {
    let mut bench = Bench::logged_in(0, 5);
    bench.catch_up();
    bench.send(2, "bob", 7);
    let ticket = bench.ticket();
    bench.page(&[(6, Entry::Message(message("alice", "bob", 7)))], 6, false);
    assert_eq!(sequences(&bench.frame()), [6]);
    assert_eq!(bench.frame()["ok"]["seq"], 6);
    assert_eq!(bench.frame()["push"], "recent_contacts");
    assert_eq!(bench.frame()["push"], "refresh");
    bench.answer(ticket, Ok(sent(Some(6), 7)));
    bench.nothing();
}

#[test]
fn a_send_whose_entry_is_read_again_is_answered_there() {
    let mut bench = Bench::live(5);
    bench.send(2, "bob", 7);
    let ticket = bench.ticket();
    bench.announce(&announcement(9, received(9)));
    assert_eq!(bench.catch_up(), 5);
    bench.answer(ticket, Ok(sent(Some(7), 7)));
    bench.nothing();
    let list = [(6, received(6)), (7, Entry::Message(message("alice", "bob", 7))), (8, received(8))];
    bench.page(&list, 9, false);
    assert_eq!(span(&bench.frame()), (5, 6, false));
    assert_eq!(bench.frame()["ok"]["seq"], 7);
    let push = bench.frame();
    assert_eq!((sequences(&push), span(&push)), (vec![8], (6, 9, false)));
}

#[test]
fn a_send_whose_entry_is_gone_is_answered_when_its_place_is_passed() {
    let mut bench = Bench::live(5);
    bench.send(2, "bob", 7);
    let ticket = bench.ticket();
    bench.input(crate::gateway::ws::session::Input::Lagged);
    bench.catch_up();
    bench.answer(ticket, Ok(sent(Some(7), 7)));
    bench.page(&[], 9, false);
    assert_eq!(bench.frame()["ok"]["seq"], 7);
}

#[test]
fn requests_of_one_conversation_are_answered_in_order_and_others_overtake() {
    let mut bench = Bench::live(5);
    bench.request(2, "recall", json!({"peer": "bob", "key": "1_2_3"}));
    bench.send(3, "bob", 7);
    bench.request(4, "history", json!({"peer": "bob"}));
    bench.request(5, "read", json!({"peer": "bob"}));
    bench.request(6, "history", json!({"peer": "carol"}));
    let (recall, send, other) = (bench.ticket(), bench.ticket(), bench.ticket());
    bench.nothing();
    bench.answer(other, Ok(ok()));
    assert_eq!(bench.frame()["id"], 6);
    bench.answer(send, Err(Code::MUTED.into()));
    bench.nothing();
    bench.answer(recall, Ok(ok()));
    assert_eq!(bench.frame()["id"], 2);
    assert_eq!(bench.frame()["id"], 3);
    let history = bench.ticket();
    bench.nothing();
    bench.answer(history, Ok(ok()));
    assert_eq!(bench.frame()["id"], 4);
    let read = bench.ticket();
    bench.answer(read, Ok(ok()));
    assert_eq!(bench.frame()["id"], 5);
}

#[test]
fn the_stream_waits_for_the_reply_that_comes_before_its_own_send() {
    let mut bench = Bench::live(5);
    bench.request(2, "recall", json!({"peer": "bob", "key": "1_2_3"}));
    bench.send(3, "bob", 7);
    let (recall, _) = (bench.ticket(), bench.ticket());
    bench.announce(&own(6, "bob", 7));
    bench.nothing();
    assert!(!bench.machine.wants_announcements());
    bench.answer(recall, Ok(ok()));
    assert_eq!(bench.frame()["id"], 2);
    assert_eq!(bench.frame()["id"], 3);
    assert!(bench.machine.wants_announcements());
}

#[test]
fn one_request_above_the_limit_is_refused() {
    let mut bench = Bench::with(Limits { in_flight: 2, ..Limits::default() });
    bench.log_in(0, 0);
    bench.catch_up();
    for id in 2..4 {
        bench.request(id, "sync", json!({"after": 0}));
    }
    let ticket = bench.ticket();
    bench.ticket();
    bench.request(4, "sync", json!({"after": 0}));
    let refused = bench.frame();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(4), &json!(60_007)));
    assert_eq!(refused["error"]["retry"], true);
    bench.answer(ticket, Ok(ok()));
    bench.frame();
    bench.request(5, "sync", json!({"after": 0}));
    bench.ticket();
}

#[test]
fn sends_have_a_rate() {
    let mut bench = Bench::with(Limits { sends_per_second: 1, ..Limits::default() });
    bench.log_in(0, 0);
    bench.catch_up();
    bench.send(2, "bob", 1);
    bench.ticket();
    bench.send(3, "bob", 2);
    let refused = bench.frame();
    assert_eq!((&refused["error"]["code"], &refused["error"]["retry_after"]), (&json!(60_007), &json!(1000)));
}

#[test]
fn a_message_without_a_number_gets_one() {
    let mut bench = Bench::live(5);
    let numbers: Vec<u32> = (0..2)
        .map(|id| {
            bench.request(id, "send", json!({"to": "bob", "random": 1, "body": []}));
            let Call::Request { request, .. } = bench.call() else { panic!("no request") };
            key_of(&request).unwrap().msg_seq
        })
        .collect();
    assert_ne!(numbers[0], numbers[1]);
}

#[test]
fn a_ping_is_answered_at_once_and_wrong_arguments_too() {
    let mut bench = Bench::live(5);
    bench.request(2, "ping", json!({}));
    assert_eq!(bench.frame(), json!({"id": 2, "ok": {"server_time": START}}));
    bench.request(3, "send", json!({"to": "bob"}));
    assert_eq!(bench.error(), (json!(3), 90_005));
    bench.request(4, "login", login_args());
    assert_eq!(bench.error(), (json!(4), 20_001));
    bench.request(5, "paint", json!({}));
    assert_eq!(bench.error(), (json!(5), 60_009));
}
