use std::time::Duration;

use duolog_topics::{CloseReason, Platform, SessionClosed, SessionEnd, SessionOpened};

use super::*;
use crate::domain::rows::{ClosedSession, Missed, Outcome, OutcomeRow, Pointer, get};
use crate::engine::unreturned::close_unreturned;
use crate::log::ReadLimit;

fn login(session: &str, device: &str, platform: Platform) -> SessionOpened {
    let (session, device) = (session.to_owned(), device.to_owned());
    SessionOpened { session, device, platform, signed_at: 1_700_000_000, resumes: None, cursor: None, ip: None }
}

/// The ends of sessions that the log tells of, each with what the fold kept of it.
fn ends(log: &dyn Log, engine: &Engine) -> Vec<(SessionEnd, Option<Missed>)> {
    let (rows, generation) = (engine.taps()[0].rows(), engine.taps()[0].meta().generation);
    let mut found = Vec::new();
    for stored in log.read(0, 0, ReadLimit { records: 1_000, bytes: 1 << 20 }).unwrap() {
        let record = &stored.record;
        let (_, event) = Envelope::decode(&record.key, record.time, &record.header, &record.payload).unwrap();
        let Event::SessionClosed(SessionClosed { sessions }) = event else { continue };
        let at = Pointer { generation, partition: 0, offset: stored.offset };
        let kept: Option<OutcomeRow> = get(&rows, OutcomeRow::key(at).as_slice()).unwrap();
        let Some(Outcome::Closed { sessions: closed }) = kept.map(|row| row.outcome) else { continue };
        let end = |ClosedSession { place, missed, .. }| (sessions[place as usize].clone(), missed);
        found.extend(closed.into_iter().map(end));
    }
    found
}

async fn ended(log: &dyn Log, engine: &Engine, count: usize) -> Vec<(SessionEnd, Option<Missed>)> {
    let wait = async {
        loop {
            let found = ends(log, engine);
            if found.len() >= count {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("they end")
}

/// Two users were there when the process died; one comes back.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_return_after_a_crash_is_recorded_as_gone_once() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Arc::new(MemoryLog::new(1)));
    let clock = Clock::manual(1_700_000_000_000);
    let engine = open(log.clone(), dir.path(), &clock);
    import(&engine, &["alice", "bob", "carol"]).await;
    engine.submit(&name("bob"), login("s1", "phone", Platform::Iphone).into()).await.unwrap();
    engine.submit(&name("carol"), login("s2", "phone", Platform::Iphone).into()).await.unwrap();
    clock.advance(3_600_000);
    engine.submit(&name("alice"), message(&["bob"], "hi", 1).into()).await.unwrap();
    engine.stop();
    drop(engine);

    let engine = open(log.clone(), dir.path(), &clock);
    let mut back = login("s3", "phone", Platform::Iphone);
    back.resumes = Some("s2".to_owned());
    engine.submit(&name("carol"), back.into()).await.unwrap();
    let closing = tokio::spawn(close_unreturned(engine.clone(), Duration::from_millis(10)));
    let found = ended(log.as_ref(), &engine, 1).await;
    let [(end, missed)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&end.account, end.session.as_str(), end.reason), (&name("bob"), "s1", CloseReason::TimeOut));
    let missed = missed.expect("he did not take the message");
    assert!(missed.after < missed.until && missed.since <= 1_700_000_000_000, "however long ago it came: {missed:?}");
    closing.abort();
    engine.stop();
}

/// What the last app had not taken when its link ended; not when another one is there, nor what was taken.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_last_app_says_what_was_not_taken() {
    let (dir, log) = (tempfile::tempdir().unwrap(), Arc::new(MemoryLog::new(1)));
    let engine = open(log.clone(), dir.path(), &Clock::manual(1_700_000_000_000));
    let bob = name("bob");
    import(&engine, &["alice", "bob"]).await;
    let (mut random, mut session) = (0, 0);
    let mut round = async |takes: bool| {
        (random, session) = (random + 1, session + 1);
        let id = format!("s{session}");
        engine.submit(&bob, login(&id, "phone", Platform::Iphone).into()).await.unwrap();
        engine.submit(&name("alice"), message(&["bob"], "hi", random).into()).await.unwrap();
        let head = engine.read(&bob, |mailbox| mailbox.account(&name("bob"))).await.unwrap().unwrap().sequence;
        if takes {
            // It waits for the next second; the end of the session does not.
            engine.advance_cursor(&bob, "phone", head);
        }
        engine.session_ended(SessionEnd { account: bob.clone(), session: id, reason: CloseReason::LinkLost, ip: None });
        let found = ended(log.as_ref(), &engine, session).await;
        (found.last().unwrap().1, head)
    };
    let (missed, head) = round(false).await;
    let missed = missed.expect("nobody took it");
    assert_eq!((missed.after, missed.until), (head - 1, head));
    assert_eq!(round(true).await.0, None);
    engine.stop();
}
