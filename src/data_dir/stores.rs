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
/// has got meanwhile.
pub struct Stores {
    data: DataDir,
    log: Arc<dyn Log>,
    shared: Shared,
    open: Mutex<HashMap<u32, (Store, Arc<ExpiredRows>)>>,
}

impl Stores {
    pub(super) fn new(data: DataDir, log: Arc<dyn Log>, shared: Shared) -> Self {
        Self { data, log, shared, open: Mutex::default() }
    }

    pub fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// The state of a partition that this node is about to own; nobody else may write it.
    ///
    /// # Errors
    /// As [`DataDir::open_state`].
    pub fn get(&self, partition: u32) -> Result<(Store, Arc<ExpiredRows>), DataDirError> {
        let mut open = self.open.lock();
        if let Some(state) = open.remove(&partition)
            && !state.0.has_failed()
            && why_unfit(self.log.as_ref(), partition, state.0.applied())?.is_none()
        {
            open.insert(partition, state.clone());
            return Ok(state);
        }
        let OpenState { store, expiry } = self.data.open_state(partition, self.log.as_ref(), &self.shared)?;
        open.insert(partition, (store.clone(), expiry.clone()));
        Ok((store, expiry))
    }

    /// Removes the states of partitions that are not `kept` here, which nobody uses and which have not changed for `age`;
    /// which those were. Should one come back after all, it begins with a checkpoint or with the log.
    ///
    /// # Errors
    /// If a state cannot be looked at or removed; some may be gone then.
    pub fn forget(&self, kept: &[u32], age: Duration) -> io::Result<Vec<u32>> {
        let mut open = self.open.lock();
        let states = match std::fs::read_dir(self.data.states()) {
            // It has never had one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            states => states?,
        };
        let mut forgotten = Vec::new();
        for entry in states {
            let entry = entry?;
            let Some(partition) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let used = open.get(&partition).is_some_and(|(store, _)| store.is_shared());
            if kept.contains(&partition) || used || changed_within(&entry.path(), age)? {
                continue;
            }
            open.remove(&partition);
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
}
