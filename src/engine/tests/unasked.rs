//! What nobody waits for: it is done all the same, whatever an append meets.

use duolog_topics::{CloseReason, Platform, SessionOpened};

use super::*;
use crate::log::memory::Fault;

fn login(session: &str) -> SessionOpened {
    let (session, device, platform) = (session.to_owned(), "phone".to_owned(), Platform::Iphone);
    SessionOpened { session, device, platform, signed_at: 1_700_000_000, resumes: None, cursor: None, ip: None }
}

/// An engine in which bob is there, on his phone.
async fn with_bob(log: &MemoryLog, dir: &Path) -> Engine {
    let engine = open(Arc::new(log.clone()), dir, &Clock::manual(1_700_000_000_000));
    import(&engine, &["alice", "bob"]).await;
    engine.submit(&name("bob"), login("s1").into()).await.unwrap();
    send(&engine, "alice", message(&["bob"], "hi", 1)).await;
    engine
}

async fn cursor(engine: &Engine) -> u64 {
    let device = engine.read(&name("bob"), |mailbox| mailbox.device(&name("bob"), "phone")).await.unwrap();
    device.unwrap().cursor
}

async fn head(engine: &Engine) -> u64 {
    engine.read(&name("bob"), |mailbox| mailbox.account(&name("bob"))).await.unwrap().unwrap().sequence
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_session_outlives_an_append_that_fails() {
    for fault in [Fault::Busy, Fault::Unknown { written: 0 }, Fault::Unknown { written: 1 }] {
        let (dir, log) = (tempfile::tempdir().unwrap(), MemoryLog::new(1));
        let engine = with_bob(&log, dir.path()).await;
        log.fail_next(0, fault).unwrap();
        let end =
            SessionEnd { account: name("bob"), session: "s1".to_owned(), reason: CloseReason::LinkLost, ip: None };
        engine.session_ended(end);
        // This one may be in the append that fails. What follows is appended after the end, or with it.
        let mut random = 2;
        while engine.submit(&name("alice"), message(&["bob"], "there?", random).into()).await.is_err() {
            random += 1;
        }
        let sessions = engine.read(&name("bob"), |mailbox| mailbox.sessions(&name("bob"))).await.unwrap();
        assert!(sessions.iter().all(|(_, session)| !session.open), "after {fault:?}: {sessions:?}");
        engine.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_log_does_not_take_for_long_is_bounded() {
    let (dir, log) = (tempfile::tempdir().unwrap(), MemoryLog::new(1));
    let engine = with_bob(&log, dir.path()).await;
    let home = engine.owned(0).unwrap();
    for _ in 0..2 * crate::limits::UNFINISHED {
        home.leave_unfinished(name("bob"), duolog_topics::Tick {}.into());
    }
    assert!(home.unfinished.lock().len() <= crate::limits::UNFINISHED);
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_outlives_an_append_that_fails() {
    let (dir, log) = (tempfile::tempdir().unwrap(), MemoryLog::new(1));
    let engine = with_bob(&log, dir.path()).await;
    let head = head(&engine).await;
    engine.advance_cursor(&name("bob"), "phone", head);
    log.fail_next(0, Fault::Busy).unwrap();
    // A login takes the cursors of its account along.
    engine.submit(&name("bob"), login("s2").into()).await.unwrap_err();
    engine.submit(&name("bob"), login("s3").into()).await.unwrap();
    assert_eq!(cursor(&engine).await, head);
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_let_go_writes_its_cursors() {
    let (dir, log) = (tempfile::tempdir().unwrap(), MemoryLog::new(1));
    let engine = with_bob(&log, dir.path()).await;
    let head = head(&engine).await;
    engine.advance_cursor(&name("bob"), "phone", head);
    let leaving = engine.clone();
    tokio::task::spawn_blocking(move || leaving.let_go(0)).await.unwrap();
    drop(engine);

    let engine = open(Arc::new(log), dir.path(), &Clock::manual(1_700_000_000_000));
    assert_eq!(cursor(&engine).await, head);
    engine.stop();
}
