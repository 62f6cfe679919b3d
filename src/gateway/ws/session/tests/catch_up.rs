use serde_json::json;

use super::bench::*;
use crate::domain::verdict::{Announcement, Place};
use crate::domain::view::{Entry, MessageFlagsView};
use crate::gateway::ws::protocol::CloseCode;
use crate::gateway::ws::session::{Answer, Call, Input};

#[test]
fn a_device_that_has_taken_everything_is_live_at_once() {
    let mut bench = Bench::logged_in(5, 5);
    let Call::CatchUp { after: 5, contacts_since: Some(5) } = bench.call() else { panic!("no catch-up") };
    bench.page(&[], 5, false);
    let contacts = bench.frame();
    assert_eq!(contacts, json!({"push": "recent_contacts", "data": {"list": [], "full": false, "unread_total": 0}}));
    assert_eq!(bench.frame(), json!({"push": "refresh", "data": {"cursor": 5}}));
    bench.nothing();
}

#[test]
fn a_new_device_gets_all_recent_contacts() {
    let mut bench = Bench::new();
    bench.request(1, "login", login_args());
    bench.call();
    let mut new = logged_in(0, 0);
    new.opened.known = false;
    bench.input(Input::Answer(Answer::Login(Ok(Box::new(new)))));
    bench.frame();
    let Call::CatchUp { after: 0, contacts_since: None } = bench.call() else { panic!("no catch-up") };
    bench.page(&[], 0, false);
    assert_eq!(bench.frame()["data"]["full"], true);
}

#[test]
fn the_next_page_follows_the_ack_of_the_one_before() {
    let mut bench = Bench::logged_in(0, 5);
    assert_eq!(bench.catch_up(), 0);
    bench.page(&[(1, received(1)), (3, change())], 3, true);
    let page = bench.frame();
    assert_eq!((sequences(&page), span(&page), &page["data"]["more"]), (vec![1, 3], (0, 3, true), &json!(true)));
    bench.nothing();
    bench.request(2, "ack", json!({"cursor": 2}));
    assert!(matches!(bench.call(), Call::Ack(2)));
    assert_eq!(bench.frame(), json!({"id": 2, "ok": {}}));
    bench.nothing();
    bench.request(3, "ack", json!({"cursor": 3}));
    assert_eq!(bench.catch_up(), 3);
    assert!(matches!(bench.call(), Call::Ack(3)));
    bench.frame();
    bench.page(&[(5, received(2))], 6, false);
    let page = bench.frame();
    assert_eq!((sequences(&page), span(&page), &page["data"]["more"]), (vec![5], (3, 6, true), &json!(false)));
    assert_eq!(bench.frame()["push"], "recent_contacts");
    assert_eq!(bench.frame()["data"]["cursor"], 6);
}

#[test]
fn a_page_ends_early_rather_than_being_huge() {
    let big = |random| {
        let mut message = message("bob", "alice", random);
        message.body = duolog_topics::RawJson::from_checked(format!("[\"{}\"]", "x".repeat(60_000)));
        Entry::Message(message)
    };
    let mut bench = Bench::logged_in(0, 3);
    bench.catch_up();
    bench.page(&[(1, big(1)), (2, big(2)), (3, big(3))], 3, false);
    let page = bench.frame();
    assert_eq!((sequences(&page), span(&page), &page["data"]["more"]), (vec![1, 2], (0, 2, true), &json!(true)));
    bench.nothing();
    bench.request(2, "ack", json!({"cursor": 2}));
    assert_eq!(bench.catch_up(), 2);
}

#[test]
fn announcements_follow_exactly_where_the_catch_up_ended() {
    let mut bench = Bench::live(5);
    bench.announce(&announcement(4, received(1)));
    bench.announce(&announcement(5, received(1)));
    bench.nothing();
    bench.announce(&announcement(6, received(2)));
    let push = bench.frame();
    assert_eq!((sequences(&push), span(&push)), (vec![6], (5, 6, false)));
    assert_eq!(push["data"].get("more"), None);
    let skipping = Announcement { place: Some(Place { sequence: 9, previous: 6 }), ..announcement(9, change()) };
    bench.announce(&skipping);
    let push = bench.frame();
    assert_eq!((sequences(&push), span(&push)), (vec![9], (6, 9, false)));
}

#[test]
fn announcements_that_come_together_share_a_push() {
    let mut bench = Bench::live(0);
    let mut out = Vec::new();
    for sequence in 1..=3 {
        bench.machine.handle(START, Input::Announced(&announcement(sequence, received(1))), &mut out);
    }
    bench.machine.flush(START, &mut out);
    bench.out.extend(out);
    let push = bench.frame();
    assert_eq!((sequences(&push), span(&push)), (vec![1, 2, 3], (0, 3, false)));
}

#[test]
fn announcements_wait_while_a_page_is_read_and_are_dropped_before_the_next() {
    let mut bench = Bench::logged_in(0, 5);
    assert!(!bench.machine.wants_announcements());
    bench.catch_up();
    bench.page(&[(1, received(1))], 1, true);
    bench.frame();
    assert!(bench.machine.wants_announcements());
    bench.announce(&announcement(6, received(6)));
    bench.nothing();
}

#[test]
fn a_hole_is_filled_from_the_timeline_and_pushed_as_live() {
    let mut bench = Bench::live(5);
    bench.announce(&announcement(8, received(8)));
    assert_eq!(bench.catch_up(), 5);
    assert!(!bench.machine.wants_announcements());
    bench.page(&[(6, received(6)), (7, received(7))], 7, true);
    // The next page is called for once this one has left.
    assert_eq!(bench.catch_up(), 7);
    let push = bench.frame();
    assert_eq!((sequences(&push), span(&push)), (vec![6, 7], (5, 7, false)));
    bench.page(&[(8, received(8))], 8, false);
    assert_eq!(sequences(&bench.frame()), [8]);
    bench.announce(&announcement(8, received(8)));
    bench.nothing();
    bench.announce(&announcement(9, received(9)));
    assert_eq!(span(&bench.frame()), (8, 9, false));
}

#[test]
fn lost_announcements_are_read_again() {
    let mut bench = Bench::live(5);
    bench.input(Input::Lagged);
    assert_eq!(bench.catch_up(), 5);
    bench.input(Input::Lagged);
    bench.nothing();
    bench.page(&[], 5, false);
    bench.nothing();
    bench.announce(&announcement(6, received(6)));
    assert_eq!(span(&bench.frame()), (5, 6, false));
}

#[test]
fn an_online_only_message_has_no_place_and_moves_no_cursor() {
    let mut bench = Bench::live(5);
    let mut message = message("bob", "alice", 1);
    message.flags = MessageFlagsView { online_only: true, ..Default::default() };
    let mut fleeting = announcement(1, Entry::Message(message));
    fleeting.place = None;
    bench.announce(&fleeting);
    let push = bench.frame();
    assert_eq!(span(&push), (5, 5, false));
    assert_eq!(push["data"]["list"][0].get("seq"), None);
    assert_eq!(push["data"]["list"][0]["flags"], json!({"online_only": true}));
    // The session that sent it has its reply.
    bench.announce(&Announcement { by_session: Some("s1".to_owned()), ..fleeting });
    bench.nothing();
}

#[test]
fn an_ack_is_good_for_what_was_told_and_no_more() {
    let mut bench = Bench::live(5);
    let acked = |bench: &mut Bench, cursor: u64| {
        bench.request(9, "ack", json!({"cursor": cursor}));
        let Call::Ack(cursor) = bench.call() else { panic!("no ack") };
        bench.frame();
        cursor
    };
    assert_eq!(acked(&mut bench, u64::MAX), 5);
    bench.announce(&announcement(6, received(6)));
    bench.frame();
    assert_eq!(acked(&mut bench, 7), 6);
    bench.request(10, "sync", json!({"after": 0, "limit": 10}));
    let ticket = bench.ticket();
    bench.answer(ticket, Ok(crate::gateway::ws::op::Granted::Entries { ok: "{}".to_owned(), cursor: 7 }));
    bench.frame();
    assert_eq!(acked(&mut bench, 7), 7);
    assert_eq!(acked(&mut bench, 3), 3);
}

#[test]
fn a_catch_up_that_cannot_be_read_sends_the_client_away_for_a_while() {
    let mut bench = Bench::logged_in(0, 5);
    bench.catch_up();
    bench.input(Input::Answer(Answer::CatchUp(Err(crate::error::Code::TOO_MANY_REQUESTS.into()))));
    assert_eq!(bench.closed(), CloseCode::Overloaded);
    assert!(bench.end.is_some());
}
