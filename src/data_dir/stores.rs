use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::{DataDir, DataDirError, OpenState, why_unfit};
use crate::engine::ExpiredRows;
use crate::log::Log;
use crate::store::{Shared, Store};

/// The stores of a node. One that was opened stays open: its partition may come back, and then it needs only what the log
/// has got meanwhile. Different partitions are opened side by side: one that is put back from a checkpoint holds up no other.
pub struct Stores {
    data: DataDir,
    log: Arc<dyn Log>,
    shared: Shared,
    slots: Mutex<HashMap<u32, Slot>>,
}

/// What is open of a partition; locked by whoever opens or removes it.
type Slot = Arc<Mutex<Option<(Store, Arc<ExpiredRows>)>>>;

impl Stores {
    pub(super) fn new(data: DataDir, log: Arc<dyn Log>, shared: Shared) -> Self {
        Self { data, log, shared, slots: Mutex::default() }
    }

    pub fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// The state of a partition that this node is about to own; nobody else may write it.
    ///
    /// # Errors
    /// As [`DataDir::open_state`].
    pub fn get(&self, partition: u32) -> Result<(Store, Arc<ExpiredRows>), DataDirError> {
        let slot = self.slot(partition);
        let mut open = slot.lock();
        if let Some(state) = open.take()
            && !state.0.has_failed()
            && why_unfit(self.log.as_ref(), partition, state.0.applied())?.is_none()
        {
            return Ok(open.insert(state).clone());
        }
        let OpenState { store, expiry } = self.data.open_state(partition, self.log.as_ref(), &self.shared)?;
        Ok(open.insert((store, expiry)).clone())
    }

    fn slot(&self, partition: u32) -> Slot {
        self.slots.lock().entry(partition).or_default().clone()
    }

    /// Removes the states of partitions that are not `kept` here, which nobody uses and which have not changed for `age`;
    /// which those were. Should one come back after all, it begins with a checkpoint or with the log.
    ///
    /// # Errors
    /// If a state cannot be looked at or removed; some may be gone then.
    pub fn forget(&self, kept: &[u32], age: Duration) -> io::Result<Vec<u32>> {
        let states = match std::fs::read_dir(self.data.states()) {
            // It has never had one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            states => states?,
        };
        let mut forgotten = Vec::new();
        for entry in states {
            let entry = entry?;
            let Some(partition) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let slot = self.slot(partition);
            // Somebody is opening it.
            let Some(mut open) = slot.try_lock() else { continue };
            let used = open.as_ref().is_some_and(|(store, _)| store.is_shared());
            if kept.contains(&partition) || used || changed_within(&entry.path(), age)? {
                continue;
            }
            *open = None;
            std::fs::remove_dir_all(entry.path())?;
            forgotten.push(partition);
        }
        Ok(forgotten)
    }
}

/// Whether a file of a state was written so lately. RocksDB's own notes do not count.
fn changed_within(state: &Path, age: Duration) -> io::Result<bool> {
    let since = SystemTime::now() - age;
    for file in std::fs::read_dir(state)? {
        let file = file?;
        let is_note = file.file_name().as_encoded_bytes().starts_with(b"LOG");
        if !is_note && file.metadata()?.modified()? > since {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::MemoryLog;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// As if nothing had been written for two days.
    fn grow_old(data: &DataDir, partition: u32) {
        for file in std::fs::read_dir(data.state(partition)).unwrap() {
            let file = std::fs::File::open(file.unwrap().path()).unwrap();
            file.set_modified(SystemTime::now() - 2 * DAY).unwrap();
        }
    }

    #[test]
    fn a_state_goes_a_day_after_its_partition() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path(), None);
        let (stores, _lock) = data.open_shared(|| Ok(Arc::new(MemoryLog::new(5)))).unwrap();
        assert!(stores.forget(&[], DAY).unwrap().is_empty());
        let [owned, _lost, in_use, lost_lately] = [0, 1, 2, 3].map(|partition| {
            let (store, _) = stores.get(partition).unwrap();
            (partition != 1).then_some(store)
        });
        (0..3).for_each(|partition| grow_old(&data, partition));
        drop((owned, lost_lately));

        assert_eq!(stores.forget(&[0], DAY).unwrap(), [1]);
        let there = [0, 1, 2, 3].map(|partition| data.state(partition).exists());
        assert_eq!(there, [true, false, true, true]);
        drop(in_use);
        assert_eq!(stores.forget(&[0], DAY).unwrap(), [2]);
        let (again, _) = stores.get(1).unwrap();
        assert_eq!(again.applied(), None, "it begins anew");
    }

    #[test]
    fn a_state_that_takes_long_to_open_holds_up_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path(), None);
        let (stores, _lock) = data.open_shared(|| Ok(Arc::new(MemoryLog::new(2)))).unwrap();
        drop(stores.get(0).unwrap());
        grow_old(&data, 0);
        let slot = stores.slot(0);
        let opening = slot.lock();
        drop(stores.get(1).unwrap());
        assert!(stores.forget(&[1], DAY).unwrap().is_empty(), "what is being opened stays");
        drop(opening);
        assert_eq!(stores.forget(&[1], DAY).unwrap(), [0]);
    }

    #[test]
    fn no_node_starts_where_its_app_has_moved_away() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path(), None);
        data.note_moved("elsewhere").unwrap();
        let opened = data.open_shared(|| Ok(Arc::new(MemoryLog::new(1))));
        assert!(matches!(opened, Err(DataDirError::Moved { to, .. }) if to == "elsewhere"));
    }
}
