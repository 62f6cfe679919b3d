//! What many requests at once become in the log.

use futures_util::future::join_all;

use super::nodes::Gate;
use super::*;
use crate::limits::APPEND_RECORDS;
use crate::log::MAX_BATCH_BYTES;

#[tokio::test(flavor = "multi_thread")]
async fn no_append_is_larger_than_a_log_takes() {
    /// However few of them the first append holds, that one or the second would be too large.
    const MESSAGES: usize = APPEND_RECORDS - 4;
    let text = "x".repeat(2 * MAX_BATCH_BYTES / MESSAGES + 1);
    let (dir, gate) = (tempfile::tempdir().unwrap(), Gate::new(&MemoryLog::new(1)));
    let engine = open(gate.clone(), dir.path(), &Clock::manual(1_700_000_000_000));
    import(&engine, &["alice", "bob"]).await;
    let body = |number: usize| format!("{number} {text}");
    let (alice, numbers) = (name("alice"), (0..MESSAGES).chain([0]));
    let sends = numbers.map(|number| engine.submit(&alice, message(&["bob"], &body(number), number as u32).into()));
    gate.set(false);
    let mut sends = std::pin::pin!(join_all(sends));
    assert!(futures_util::poll!(&mut sends).is_pending(), "nothing is durable yet");
    gate.set(true);
    let mut verdicts = sends.await;
    let again = verdicts.pop().unwrap().unwrap();
    assert!(matches!(again, Verdict::Repeat(_)), "{again:?}");
    let keys: Vec<_> = verdicts.into_iter().map(|verdict| sent(verdict.unwrap()).key.random).collect();
    assert_eq!(keys, (0..MESSAGES as u32).collect::<Vec<_>>());
    let texts = inbox(&engine, "bob").await;
    assert_eq!(texts.len(), MESSAGES);
    for (number, found) in texts.iter().enumerate() {
        assert!(found.contains(&format!("\"{number} x")), "not the {number}th: {}", &found[..80]);
    }
    engine.stop();
}
