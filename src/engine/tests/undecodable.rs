//! Records that stand in the log and that no version of the fold can decode.

use std::ops::ControlFlow;

use duolog_topics::{Authority, DecodeError, Envelope, EventId, Header, Stamp, Tick};
use parking_lot::Mutex;

use super::*;
use crate::domain::dump::compare;
use crate::domain::rows::Pointer;
use crate::log::LogError;
use crate::rebuild;

/// Remembers what it was to keep; refuses the first time.
#[derive(Default)]
struct Kept(Mutex<Vec<(u64, String)>>, std::sync::atomic::AtomicBool);

impl Aside for Kept {
    fn keep(&self, at: Pointer, record: &Record, why: &DecodeError) -> Result<(), LogError> {
        if !self.1.swap(true, Ordering::AcqRel) {
            return Err(LogError::Busy("not yet"));
        }
        let said = format!("{:?} {why}", record.key);
        self.0.lock().push((at.offset, said));
        Ok(())
    }
}

/// Keeps nothing, and tells of each try.
struct Closed(crossbeam_channel::Sender<()>);

impl Aside for Closed {
    fn keep(&self, _: Pointer, _: &Record, _: &DecodeError) -> Result<(), LogError> {
        let _ = self.0.send(());
        Err(LogError::Busy("never"))
    }
}

fn open_with(log: &MemoryLog, dir: &Path, aside: &Arc<impl Aside + 'static>) -> Result<Engine, OpenError> {
    let shared = Shared::new(SharedSizes::default()).unwrap();
    let stores = vec![Store::open(&dir.join("state"), &shared, ExpiredRows::new()).unwrap()];
    let policy = PolicyChanged { revision: 1, ..PolicyChanged::default() };
    let (log, clock) = (Arc::new(log.clone()), Some(Clock::manual(1_700_000_000_000)));
    let aside: Option<Arc<dyn Aside>> = Some(aside.clone());
    let parts = Parts { log, stores, expiry: Vec::new(), policy, node: "test".to_owned(), clock, aside };
    Engine::open(parts, |_, _, _| {})
}

fn record(kind: &str, version: u16, authority: Authority) -> Record {
    let header = Header { kind, version, id: EventId::from_bytes([9; 16]), authority };
    Record { key: "alice".into(), time: 1_700_000_000_000, header: header.encode().into(), payload: "?".into() }
}

/// Records of every way in which nobody can decode one: key, header, payload.
fn hopeless() -> Vec<Record> {
    let good = record("message.sent", 1, Authority::Epoch(1));
    let stamp = Stamp { log_id: LogId::now_v7(), generation: 0, partition: 7, number: 1 };
    vec![
        good.clone(),
        Record { key: "no name\n".into(), ..good.clone() },
        Record { header: "\u{1}".into(), ..good },
        record("message.arrived", 1, Authority::Stamp(stamp)),
    ]
}

/// They are passed over, each is kept aside, what is carried goes on after its number, and a rebuild makes the same rows.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_decode_is_passed_over_and_kept_aside() {
    let (dir, log, aside) = (tempfile::tempdir().unwrap(), MemoryLog::new(1), Arc::new(Kept::default()));
    let engine = open_with(&log, dir.path(), &aside).unwrap();
    import(&engine, &["alice", "bob"]).await;
    let records = hopeless();
    let Authority::Stamp(stamp) = Header::decode(&records[3].header).unwrap().authority else {
        panic!("it is carried")
    };
    let first = log.append(0, records).unwrap()[0];
    sent(send(&engine, "alice", message(&["bob"], "hello", 1)).await);
    assert_eq!(inbox(&engine, "bob").await.len(), 1, "the partition goes on");
    let kept = aside.0.lock().clone();
    assert_eq!(kept.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), (first..first + 4).collect::<Vec<_>>());
    assert!(kept[1].1.contains("key") && kept[2].1.contains("header") && kept[0].1.contains("payload"), "{kept:?}");

    // The next number of that source is taken.
    let envelope = Envelope {
        id: EventId::from_bytes([8; 16]),
        time: 1_700_000_000_000,
        account: name("alice"),
        authority: Authority::Stamp(Stamp { number: 2, ..stamp }),
    };
    let ignored = engine.owned(0).unwrap().meta().ignored;
    log.append(0, vec![record_of(&envelope, &Tick {}.into())]).unwrap();
    send(&engine, "alice", message(&["bob"], "again", 2)).await;
    assert_eq!(engine.owned(0).unwrap().arrived.lock().get(&7), Some(&2));
    assert_eq!((ignored, engine.owned(0).unwrap().meta().ignored), (4, 4));

    let rebuilt = rebuild::in_memory(&log, 0).unwrap();
    let live = engine.owned(0).unwrap().store.view();
    let compared = compare(&live, &rebuilt, &mut |difference| -> ControlFlow<()> { panic!("{difference}") });
    assert!(compared.unwrap().rows > 0);
    drop(live);
    engine.stop();
    drop(engine);

    // Also where it was not running when they came.
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let engine = open_with(&log, dir.path(), &aside).unwrap();
    assert_eq!(inbox(&engine, "bob").await.len(), 2);
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_passed_over_without_a_copy_by_a_partition_that_stops() {
    let (dir, log) = (tempfile::tempdir().unwrap(), MemoryLog::new(1));
    let (told, tries) = crossbeam_channel::unbounded();
    let engine = open_with(&log, dir.path(), &Arc::new(Closed(told))).unwrap();
    let first = log.append(0, hopeless()).unwrap()[0];
    tries.recv().unwrap();
    engine.owned(0).unwrap().end();
    engine.stop();
    drop(engine);

    let aside = Arc::new(Kept::default());
    let engine = open_with(&log, dir.path(), &aside).unwrap();
    let kept = aside.0.lock().clone();
    assert_eq!(kept.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), (first..first + 4).collect::<Vec<_>>());
    engine.stop();
}

/// What a later program may know stops the partition, and every rebuild.
#[test]
fn what_is_newer_is_never_passed_over() {
    let newer_header = Record { header: "\u{2}later".into(), ..record("tick", 1, Authority::Epoch(1)) };
    let later = [record("tick", 2, Authority::Epoch(1)), record("tack", 1, Authority::Epoch(1)), newer_header];
    for record in later {
        let (dir, log, aside) = (tempfile::tempdir().unwrap(), MemoryLog::new(1), Arc::new(Kept::default()));
        log.append(0, vec![record]).unwrap();
        assert!(open_with(&log, dir.path(), &aside).is_err());
        assert!(rebuild::in_memory(&log, 0).is_err());
        assert!(aside.0.lock().is_empty());
    }
}
