use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use duolog_test_messages::{message, name};
use duolog_topics::{Account, DeadLetter, EventKind, PolicyChanged};
use tokio::sync::mpsc;

use super::positions::Ledger;
use super::window::Place;
use super::*;
use crate::clock::Clock;
use crate::domain::rows::{ConsumerRow, Outcome};
use crate::domain::rows::{Delivery as Delivered, MessageRow, MetaRow, OutcomeRow, Pointer, Row as _};
use crate::engine::{Engine, ExpiredRows, Parts};
use crate::log::memory::MemoryLog;
use crate::log::{Log, LogError};
use crate::store::{Expiry as _, Shared, SharedSizes, Store};

mod moves;

const START: u64 = 1_700_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn open(log: Arc<dyn Log>, dir: &Path, clock: &Clock) -> Engine {
    let shared = Shared::new(SharedSizes::default()).unwrap();
    let expiry = ExpiredRows::new();
    let stores = vec![Store::open(&dir.join("state"), &shared, expiry.clone()).unwrap()];
    let policy = PolicyChanged { revision: 1, ..PolicyChanged::default() };
    let parts = Parts {
        log,
        stores,
        expiry: vec![expiry],
        policy,
        node: "t".to_owned(),
        clock: Some(clock.clone()),
        aside: None,
    };
    Engine::open(parts, |_, _, _| {}).unwrap()
}

async fn import(engine: &Engine, accounts: &[&str]) {
    for account in accounts {
        engine.submit(&name(account), duolog_test_messages::import().into()).await.unwrap();
    }
}

async fn send(engine: &Engine, from: &str, to: &str, random: u32) {
    engine.submit(&name(from), message(&[to], "", random).into()).await.unwrap();
}

/// Tells a test of each try and does what it says: by the sender of the message.
struct Fake {
    does: fn(&str, u32) -> Attempt,
    told: mpsc::UnboundedSender<(String, u32)>,
    give_up: Duration,
}

impl Consumer for Fake {
    type Payload = (String, u32);

    fn name(&self) -> &str {
        "fake"
    }

    fn settings(&self) -> Settings {
        Settings { parallel: 4, batch: 1, give_up: self.give_up }
    }

    fn wants(&self, kind: EventKind) -> bool {
        kind == EventKind::MessageSent
    }

    fn deliveries(&self, record: &Joined<'_>) -> Vec<Delivery<(String, u32)>> {
        let Kept::Message(row) = record.kept else { return Vec::new() };
        let payload = (row.from.to_string(), row.random);
        vec![record.delivery(0, Lane::of([&row.from]), payload)]
    }

    async fn deliver(&self, batch: &[Arc<Delivery<(String, u32)>>]) -> Attempt {
        let (from, random) = &batch[0].payload;
        let attempt = (self.does)(from, *random);
        let _ = self.told.send((from.clone(), *random));
        attempt
    }
}

fn fake(does: fn(&str, u32) -> Attempt, give_up: Duration) -> (Fake, mpsc::UnboundedReceiver<(String, u32)>) {
    let (told, heard) = mpsc::unbounded_channel();
    (Fake { does, told, give_up }, heard)
}

async fn start(engine: &Engine, consumer: Fake, letters: &MemoryLog) -> Running {
    let mut consumers = Consumers::new(engine.clone());
    consumers.add(consumer);
    let letters: Arc<dyn Log> = Arc::new(letters.clone());
    consumers.start(DeadLetters::new(letters)).await.unwrap()
}

async fn next(heard: &mut mpsc::UnboundedReceiver<(String, u32)>) -> (String, u32) {
    tokio::time::timeout(PATIENCE, heard.recv()).await.expect("a try comes").expect("the consumer is there")
}

fn retry() -> Attempt {
    Attempt::Retry { reason: "not now".to_owned(), after: None }
}

const LONG: Duration = Duration::from_secs(1_000_000);

/// One delivery that fails for ever is all that comes again after a restart, however much was delivered after it.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_makes_nothing_else_come_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (log, letters) = (Arc::new(MemoryLog::new(1)), MemoryLog::new(1));
    let clock = Clock::manual(START);
    let engine = open(log.clone(), dir.path(), &clock);
    import(&engine, &["good", "bad", "to"]).await;
    let (consumer, mut heard) = fake(|from, _| if from == "bad" { retry() } else { Attempt::Done }, LONG);
    let running = start(&engine, consumer, &letters).await;
    send(&engine, "bad", "to", 1).await;
    for random in 2..100 {
        send(&engine, "good", "to", random).await;
    }
    let mut seen = BTreeSet::new();
    while seen.len() < 99 {
        seen.insert(next(&mut heard).await.1);
    }
    running.stop().await;
    let (_, row) = engine.taps()[0].consumers().unwrap().pop().unwrap();
    assert_eq!((row.waiting.len(), row.needs_from()), (1, row.waiting.first().copied()));
    engine.stop();
    drop(engine);

    let engine = open(log, dir.path(), &clock);
    let (consumer, mut heard) = fake(|_, _| Attempt::Done, LONG);
    let running = start(&engine, consumer, &letters).await;
    send(&engine, "good", "to", 100).await;
    let again: BTreeSet<u32> = [next(&mut heard).await.1, next(&mut heard).await.1].into();
    assert_eq!(again, [1, 100].into());
    running.stop().await;
    let (_, row) = engine.taps()[0].consumers().unwrap().pop().unwrap();
    assert_eq!(row.waiting, Vec::<u64>::new());
    engine.stop();
}

/// A broker that is away for a moment is no reason to forget what was not delivered.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_read_again_until_the_log_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let (log, letters) = (Arc::new(MemoryLog::new(1)), MemoryLog::new(1));
    let engine = open(log.clone(), dir.path(), &Clock::manual(START));
    import(&engine, &["good", "bad", "to"]).await;
    let (consumer, mut heard) = fake(|from, _| if from == "bad" { retry() } else { Attempt::Done }, LONG);
    let running = start(&engine, consumer, &letters).await;
    send(&engine, "bad", "to", 1).await;
    send(&engine, "good", "to", 2).await;
    while next(&mut heard).await.1 != 2 {}
    running.stop().await;
    let waiting = engine.taps()[0].consumers().unwrap().pop().unwrap().1.waiting;
    assert_eq!(waiting.len(), 1);

    log.fail_next_read(0, waiting[0]).unwrap();
    let (consumer, mut heard) = fake(|_, _| Attempt::Done, LONG);
    let running = start(&engine, consumer, &letters).await;
    assert_eq!(next(&mut heard).await.1, 1);
    running.stop().await;
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_a_dead_letter_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (log, letters) = (Arc::new(MemoryLog::new(1)), MemoryLog::new(1));
    let clock = Clock::manual(START);
    let engine = open(log, dir.path(), &clock);
    import(&engine, &["old", "hopeless", "good", "to"]).await;
    let does = |from: &str, _| match from {
        "old" => retry(),
        "hopeless" => Attempt::GiveUp { reason: "nobody there".to_owned() },
        _ => Attempt::Done,
    };
    let (consumer, mut heard) = fake(does, Duration::from_secs(5));
    let running = start(&engine, consumer, &letters).await;
    send(&engine, "hopeless", "to", 1).await;
    send(&engine, "old", "to", 2).await;
    while next(&mut heard).await.0 != "old" {}
    clock.advance(6_000);
    letters_come(&letters, 2).await;
    let mut found: Vec<(Account, DeadLetter)> = Vec::new();
    dead_letters::read(&letters, 0, |envelope, letter| {
        found.push((envelope.account, letter));
        Ok::<_, ReadError>(())
    })
    .unwrap();
    found.sort_by_key(|(account, _)| account.clone());
    let reasons: Vec<_> = found.iter().map(|(account, letter)| (account.as_str(), letter.reason.as_str())).collect();
    assert_eq!(reasons, [("hopeless", "nobody there"), ("old", "not now")]);
    assert_eq!(found[0].1.payload.decode::<(String, u32)>().unwrap(), ("hopeless".to_owned(), 1));
    assert!(found.iter().all(|(_, letter)| letter.tries >= 1));
    running.stop().await;
    // Both are done with.
    let (_, row) = engine.taps()[0].consumers().unwrap().pop().unwrap();
    assert_eq!(row.waiting, Vec::<u64>::new());
    engine.stop();
}

async fn letters_come(letters: &MemoryLog, count: u64) {
    let letters = letters.clone();
    let wait = tokio::task::spawn_blocking(move || letters.wait(0, count - 1, PATIENCE).unwrap());
    assert!(wait.await.unwrap() >= count);
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Decode(#[from] duolog_topics::DecodeError),
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_panics_is_tried_again() {
    static PANICKED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Arc::new(MemoryLog::new(1)), dir.path(), &Clock::manual(START));
    import(&engine, &["a", "to"]).await;
    let does = |_: &str, _| {
        assert!(PANICKED.swap(true, std::sync::atomic::Ordering::Relaxed), "once");
        Attempt::Done
    };
    let (consumer, mut heard) = fake(does, LONG);
    let running = start(&engine, consumer, &MemoryLog::new(1)).await;
    send(&engine, "a", "to", 1).await;
    assert_eq!(next(&mut heard).await.1, 1);
    running.stop().await;
    engine.stop();
}

/// A position is recorded because something was delivered or much was read, and never because one was recorded.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_system_is_still() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Arc::new(MemoryLog::new(1)), dir.path(), &Clock::manual(START));
    let tap = engine.taps().pop().unwrap();
    let ledger = Arc::new(Ledger::new("fake", tap.clone(), 5));
    let place = |position| Place { position, head: position, ..Place::default() };
    let recorded = async |place, delivered, moved| {
        let before = tap.watermark();
        ledger.publish(place, delivered, moved);
        positions::record_due(std::slice::from_ref(&ledger)).await;
        tap.watermark() - before
    };
    assert_eq!(recorded(place(6), false, true).await, 0, "an hour has not passed");
    assert_eq!(recorded(place(7), true, true).await, 1);
    // What it read now is its own record.
    assert_eq!(recorded(place(8), false, false).await, 0);
    assert_eq!(recorded(place(10_006), false, false).await, 0);
    assert_eq!(recorded(place(10_007), false, false).await, 1, "ten thousand records behind");
    let row = ConsumerRow { position: Some(10_007), waiting: Vec::new() };
    assert_eq!(tap.consumers().unwrap(), [("fake".to_owned(), row)]);
    engine.stop();
}

#[test]
fn rows_that_a_consumer_needs_do_not_expire() {
    let expiry = ExpiredRows::default();
    let mut meta = MetaRow::empty(0);
    meta.horizons.timeline = START;
    expiry.follow(&meta);
    let at = |offset| Pointer { offset, ..Pointer::default() };
    let outcome = OutcomeRow { record_time: 1, outcome: Outcome::Applied }.encode();
    let delivery = Delivered::unknown(&name("a"));
    let online =
        OutcomeRow { record_time: 1, outcome: Outcome::OnlineOnly { message_time: 1, deliveries: vec![delivery] } };
    let expired = |offset, held_from| {
        expiry.hold_from(held_from);
        let outcome = expiry.expired(OutcomeRow::key(at(offset)).as_slice(), &outcome);
        assert_eq!(outcome, expiry.expired(MessageRow::key(at(offset)).as_slice(), &online.encode()));
        outcome
    };
    let outcome_at_5 = OutcomeRow::key(at(5));
    assert!(!expiry.expired(outcome_at_5.as_slice(), &outcome), "nobody has said yet what is needed");
    assert!(expired(5, u64::MAX) && expired(5, 6));
    assert!(!expired(5, 5) && !expired(5, 0));
}
