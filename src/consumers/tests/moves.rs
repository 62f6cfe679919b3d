//! Partitions that come and go under their consumers.

use super::*;

async fn take_over(engine: &Engine, store: Store) {
    let engine = engine.clone();
    let taken = tokio::task::spawn_blocking(move || engine.take_over(0, store, None, &mut |_, _, _| true));
    taken.await.unwrap().unwrap();
}

async fn let_go(engine: &Engine) {
    let engine = engine.clone();
    tokio::task::spawn_blocking(move || engine.let_go(0)).await.unwrap();
}

/// A partition that is let go and comes back: its consumer goes on exactly where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_move_makes_nothing_come_twice() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Arc::new(MemoryLog::new(1)), dir.path(), &Clock::manual(START));
    let (_, _, store) = engine.stores().next().unwrap();
    import(&engine, &["a", "to"]).await;
    let (consumer, mut heard) = fake(|_, _| Attempt::Done, LONG);
    let running = start(&engine, consumer, &MemoryLog::new(1)).await;
    for round in 0..3 {
        for random in 0..20 {
            send(&engine, "a", "to", 20 * round + random).await;
        }
        for random in 0..20 {
            assert_eq!(next(&mut heard).await.1, 20 * round + random);
        }
        let_go(&engine).await;
        assert!(engine.taps().is_empty());
        take_over(&engine, store.clone()).await;
    }
    send(&engine, "a", "to", 60).await;
    assert_eq!(next(&mut heard).await.1, 60);
    running.stop().await;
    engine.stop();
}

/// A partition that another node takes: the consumer here ends, and the one there goes on from what was recorded.
#[tokio::test(flavor = "multi_thread")]
async fn the_consumers_of_a_lost_partition_end_and_the_next_owners_go_on() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, letters, clock) = (Arc::new(MemoryLog::new(1)), MemoryLog::new(1), Clock::manual(START));
    let engine = open(log.clone(), here.path(), &clock);
    import(&engine, &["a", "to"]).await;
    // Nothing gets through here: so all of it is left for the next owner.
    let (consumer, mut heard) = fake(|_, _| retry(), LONG);
    let running = start(&engine, consumer, &letters).await;
    for random in 0..10 {
        send(&engine, "a", "to", random).await;
    }
    assert_eq!(next(&mut heard).await.1, 0);
    let tap = engine.taps().pop().unwrap();

    let later = open(log, there.path(), &clock);
    tap.leaving().wait_for(|leaving| *leaving).await.unwrap();
    let mut moves = engine.moves();
    moves.wait_for(|_| engine.taps().is_empty()).await.unwrap();
    let (consumer, mut told) = fake(|_, _| Attempt::Done, LONG);
    let going_on = start(&later, consumer, &letters).await;
    send(&later, "a", "to", 10).await;
    for random in 0..=10 {
        assert_eq!(next(&mut told).await.1, random);
    }
    running.stop().await;
    engine.stop();
    going_on.stop().await;
    later.stop();
}
