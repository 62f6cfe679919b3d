use parking_lot::{Condvar, Mutex};

use super::*;
use crate::log::{Bounds, LogError, ReadLimit, Stored};

/// Longer than anything takes that goes on.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log in which appends to one partition may stand still, as where it has no leader.
struct Dam {
    log: MemoryLog,
    closed: Mutex<Option<u32>>,
    opened: Condvar,
}

impl Dam {
    fn close(&self, partition: u32) {
        *self.closed.lock() = Some(partition);
    }

    fn open(&self) {
        *self.closed.lock() = None;
        self.opened.notify_all();
    }
}

impl Log for Dam {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn append(&self, partition: u32, batch: Vec<Record>) -> Result<Vec<u64>, LogError> {
        self.opened.wait_while(&mut self.closed.lock(), |closed| *closed == Some(partition));
        self.log.append(partition, batch)
    }

    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        self.log.read(partition, from, limit)
    }

    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError> {
        self.log.wait(partition, from, timeout)
    }

    fn wake(&self, partition: u32) {
        self.log.wake(partition);
    }

    fn trim(&self, partition: u32, below: u64) -> Result<(), LogError> {
        self.log.trim(partition, below)
    }

    fn bounds(&self, partition: u32) -> Result<Bounds, LogError> {
        self.log.bounds(partition)
    }
}

/// An account of each home.
fn people(engine: &Engine) -> [String; 3] {
    std::array::from_fn(|home| {
        let mut names = (0..).map(|number| format!("user{number}"));
        names.find(|one| engine.partition_of(&name(one)) == home as u32).unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_stands_still_holds_up_no_other_one() {
    let dir = tempfile::tempdir().unwrap();
    let dam = Arc::new(Dam { log: MemoryLog::new(3), closed: Mutex::default(), opened: Condvar::new() });
    let engine = open(dam.clone(), dir.path(), &Clock::manual(1_700_000_000_000));
    let [from, stuck, other] = people(&engine);
    import(&engine, &[&from, &stuck, &other]).await;
    dam.close(1);
    for random in 0..3 {
        send(&engine, &from, message(&[&stuck], &format!("{random}"), random)).await;
        send(&engine, &from, message(&[&other], &format!("{random}"), 10 + random)).await;
        let came = tokio::time::timeout(PATIENCE, arrived(&engine, &other, random as usize + 1)).await;
        assert_eq!(came.expect("it goes on").len(), random as usize + 1);
    }
    assert!(inbox(&engine, &stuck).await.is_empty());
    dam.open();
    let texts = arrived(&engine, &stuck, 3).await;
    assert!((0..3).all(|number| texts[number].contains(&format!("\"{number}\""))), "in their order: {texts:?}");
    engine.stop();
}
