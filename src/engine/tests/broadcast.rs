use duolog_topics::{BroadcastIssued, MessageContent, MessageFlags, Platform, SessionOpened};
use futures_util::{StreamExt as _, stream};

use super::*;
use crate::domain::fold::STEP_LIMIT;
use crate::error::Code;

const DAY: u64 = 86_400_000;

fn push(random: u32, life: Option<u32>) -> Event {
    let content = MessageContent {
        flags: MessageFlags { online_only: life.is_none(), ..MessageFlags::default() },
        origin: Origin::Server,
        life,
        ..message(&["x"], "to all", random).content
    };
    BroadcastIssued { task_id: format!("task-{random}"), from: name("admin"), content, message_time: None }.into()
}

fn session(account: &str) -> SessionOpened {
    SessionOpened {
        session: format!("session-{account}"),
        device: "device".to_owned(),
        platform: Platform::Web,
        signed_at: 0,
        resumes: None,
        cursor: None,
        ip: None,
    }
}

async fn log_in(engine: &Engine, account: &str) {
    let verdict = engine.submit(&name(account), session(account).into()).await.unwrap();
    assert!(matches!(verdict, Verdict::Applied(Answer::Opened(_))));
}

/// Makes so many accounts and logs each in.
async fn connect(engine: &Engine, count: usize) -> Vec<String> {
    let accounts: Vec<String> = (0..count).map(|number| format!("user{number}")).collect();
    stream::iter(&accounts)
        .for_each_concurrent(200, |account| async {
            import(engine, &[account]).await;
            log_in(engine, account).await;
        })
        .await;
    accounts
}

fn issued(verdict: Verdict) -> String {
    match verdict {
        Verdict::Applied(Answer::Issued { task_id }) | Verdict::Repeat(Answer::Issued { task_id }) => task_id,
        other => panic!("not issued: {other:?}"),
    }
}

fn code(verdict: Verdict) -> Code {
    match verdict {
        Verdict::Refused(refusal) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// How many records of pushes to all a partition's log holds.
fn records(log: &dyn Log, partition: u32) -> usize {
    let all = crate::log::ReadLimit { records: usize::MAX, bytes: usize::MAX };
    let records = log.read(partition, 0, all).unwrap();
    let kind = |record: &Record| duolog_topics::Header::decode(&record.header).unwrap().kind.to_owned();
    records.iter().filter(|stored| kind(&stored.record) == "broadcast.issued").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_connected_takes_it_in_as_many_records_as_it_needs_and_the_others_when_they_log_in() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(2));
    let engine = open(log.clone(), dir.path(), &Clock::manual(1_700_000_000_000));
    let connected = connect(&engine, 5 * STEP_LIMIT / 2).await;
    import(&engine, &["absent"]).await;
    issued(engine.submit_for_all(push(1, Some(60))).await.unwrap());
    for account in &connected {
        assert_eq!(arrived(&engine, account, 1).await.len(), 1);
    }
    let homes: Vec<usize> = (0..2)
        .map(|home| connected.iter().filter(|account| engine.partition_of(&name(account)) == home).count())
        .collect();
    for (partition, sessions) in homes.iter().enumerate() {
        assert_eq!(records(log.as_ref(), partition as u32), sessions.div_ceil(STEP_LIMIT), "of partition {partition}");
    }
    assert!(inbox(&engine, "absent").await.is_empty());
    log_in(&engine, "absent").await;
    import(&engine, &["newcomer"]).await;
    log_in(&engine, "newcomer").await;
    assert_eq!(inbox(&engine, "absent").await.len(), 1);
    assert!(inbox(&engine, "newcomer").await.is_empty(), "it came before the account");
    engine.stop();
}

/// What its owner went on with stands in the log: whoever folds that again has nothing to go on with.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_folded_again_asks_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, clock) = (Arc::new(MemoryLog::new(1)), Clock::manual(1_700_000_000_000));
    let engine = open(log.clone(), dir.path(), &clock);
    let connected = connect(&engine, STEP_LIMIT + 1).await;
    issued(engine.submit_for_all(push(1, Some(60))).await.unwrap());
    for account in &connected {
        arrived(&engine, account, 1).await;
    }
    assert_eq!(records(log.as_ref(), 0), 2);
    engine.stop();
    drop(engine);

    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let engine = open(log.clone(), dir.path(), &clock);
    // Whatever waits is appended before it.
    import(&engine, &["newcomer"]).await;
    assert_eq!(records(log.as_ref(), 0), 2);
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_its_life_and_a_day_has_a_hundred() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_700_000_000_000);
    let engine = open(Arc::new(MemoryLog::new(1)), dir.path(), &clock);
    import(&engine, &["early", "late", "never"]).await;
    assert_eq!(issued(engine.submit_for_all(push(1, Some(60))).await.unwrap()), "task-1");
    assert_eq!(code(engine.submit_for_all(push(2, None)).await.unwrap()), Code::PUSH_TOO_FREQUENT);
    clock.advance(60_000);
    log_in(&engine, "early").await;
    assert_eq!(inbox(&engine, "early").await.len(), 1);
    clock.advance(1);
    log_in(&engine, "late").await;
    assert_eq!((inbox(&engine, "early").await.len(), inbox(&engine, "late").await.len()), (0, 0), "its life is over");

    clock.advance(7 * DAY - 60_001);
    let other_task = match push(1, None) {
        Event::BroadcastIssued(event) => BroadcastIssued { task_id: "another".to_owned(), ..event },
        _ => unreachable!("it is one"),
    };
    let repeat = engine.submit_for_all(other_task.clone().into()).await.unwrap();
    assert_eq!(repeat, Verdict::Repeat(Answer::Issued { task_id: "task-1".to_owned() }));
    clock.advance(1_000);
    assert_eq!(issued(engine.submit_for_all(other_task.into()).await.unwrap()), "another", "a week is over");
    for number in 0..99 {
        clock.advance(1_000);
        issued(engine.submit_for_all(push(100 + number, None)).await.unwrap());
    }
    clock.advance(1_000);
    assert_eq!(code(engine.submit_for_all(push(3, None)).await.unwrap()), Code::PUSH_DAILY_LIMIT);
    clock.advance(DAY);
    issued(engine.submit_for_all(push(3, None)).await.unwrap());
    log_in(&engine, "never").await;
    assert!(inbox(&engine, "never").await.is_empty(), "they were not stored");
    engine.stop();
}
