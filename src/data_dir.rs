//! What lies under a data directory, and how it is opened.
//!
//! `log/` the log, if it is the embedded one · `state/<partition>/` the state store · `checkpoints/<partition>/` copies of
//! the state · `dead-letters/` what consumers gave up, a log with one partition.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use thiserror::Error;

use crate::dir_lock::{DirLock, LockError, lock_dir};
use crate::engine::{ExpiredRows, OpenError, check_state};
use crate::log::embedded::EmbeddedLog;
use crate::log::{Log, LogError};
use crate::store::checkpoint::{CheckpointError, Checkpoints};
use crate::store::{Shared, SharedSizes, Store, StoreError};

/// Why a data directory cannot be opened.
#[derive(Debug, Error)]
pub enum DataDirError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the state store's memory cannot be set up: {0}")]
    Shared(rocksdb::Error),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    State(#[from] OpenError),
    #[error(
        "{} is the state of a partition that the log does not have: it has {partitions}. The number of partitions cannot \
         be changed, only moved to a new log; give this log another data directory",
        path.display()
    )]
    OtherPartitions { path: PathBuf, partitions: u32 },
    #[error("{} cannot be looked through: {source}", path.display())]
    Look { path: PathBuf, source: std::io::Error },
}

/// The paths of a data directory.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
    checkpoints: PathBuf,
}

/// A data directory that this process owns.
pub struct OpenData {
    pub log: Arc<dyn Log>,
    /// One store a partition.
    pub stores: Vec<Store>,
    pub expiry: Vec<Arc<ExpiredRows>>,
    /// Held until the process is done with the directory.
    pub lock: DirLock,
}

/// The stores of a node. One that was opened stays open: its partition may come back, and then it needs only what the log
/// has got meanwhile.
pub struct Stores {
    data: DataDir,
    log: Arc<dyn Log>,
    shared: Shared,
    open: Mutex<HashMap<u32, (Store, Arc<ExpiredRows>)>>,
}

impl Stores {
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// The state of a partition that this node is about to own; nobody else may write it. The one place where a partition
    /// gets its state from: what lies here, if the log goes on from it; else the newest checkpoint that fits; else nothing,
    /// if the log is whole. What does not fit is set aside.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub fn get(&self, partition: u32) -> Result<(Store, Arc<ExpiredRows>), DataDirError> {
        let mut open = self.open.lock();
        let here = match open.remove(&partition) {
            Some(store) => store,
            None => self.open_store(partition)?,
        };
        let state = match self.why_unfit(partition, &here.0)? {
            None => here,
            Some(why) => {
                drop(here);
                self.set_aside(partition, &why)?;
                self.open_store(partition)?
            }
        };
        open.insert(partition, state.clone());
        Ok(state)
    }

    fn open_store(&self, partition: u32) -> Result<(Store, Arc<ExpiredRows>), DataDirError> {
        self.data.open_store(partition, self.log.as_ref(), &self.shared)
    }

    /// Why the log does not go on from a state, if it does not.
    fn why_unfit(&self, partition: u32, store: &Store) -> Result<Option<String>, DataDirError> {
        let applied = store.applied();
        let first = self.log.bounds(partition)?.first;
        if applied.is_some_and(|applied| applied.next < first) {
            return Ok(Some(format!("the log begins at offset {first}, which is beyond it")));
        }
        match check_state(self.log.as_ref(), partition, applied) {
            Err(error @ (OpenError::BeyondLog { .. } | OpenError::OtherLog { .. })) => Ok(Some(error.to_string())),
            checked => Ok(checked.map(|()| None)?),
        }
    }

    /// An operator may still want to look at it; one that was set aside before goes.
    fn set_aside(&self, partition: u32, why: &str) -> Result<(), DataDirError> {
        let (path, aside) = (self.data.state(partition), self.data.unfit(partition));
        tracing::warn!(partition, "the state is not used and set aside in {}: {why}", aside.display());
        let moved = match std::fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => std::fs::rename(&path, &aside),
        };
        moved.map_err(|source| DataDirError::Look { path, source })
    }
}

impl DataDir {
    /// `checkpoints`: where they lie, if not under the directory.
    pub fn new(root: impl Into<PathBuf>, checkpoints: Option<&Path>) -> Self {
        let root = root.into();
        let checkpoints = checkpoints.map_or_else(|| root.join("checkpoints"), Path::to_owned);
        Self { root, checkpoints }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub fn dead_letters(&self) -> PathBuf {
        self.root.join("dead-letters")
    }

    /// Opens the stream of the dead letters beside an embedded log, or makes it.
    ///
    /// # Errors
    /// As [`EmbeddedLog::open`].
    pub fn open_dead_letters(&self) -> Result<Arc<dyn Log>, LogError> {
        Ok(Arc::new(EmbeddedLog::open(&self.dead_letters(), 1)?))
    }

    pub fn state(&self, partition: u32) -> PathBuf {
        self.root.join("state").join(partition.to_string())
    }

    /// Where a state is put that the log does not go on from.
    fn unfit(&self, partition: u32) -> PathBuf {
        self.root.join("state").join(format!("{partition}.unfit"))
    }

    pub fn checkpoints(&self, partition: u32) -> Checkpoints {
        Checkpoints::new(self.checkpoints.join(partition.to_string()))
    }

    /// [`Self::open_with`] the embedded log.
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, partitions: u32) -> Result<OpenData, DataDirError> {
        self.open_with(|| Ok(Arc::new(EmbeddedLog::open(&self.log(), partitions)?)))
    }

    /// Takes the directory, opens the log and a store for each partition; a store that is missing is put back from its
    /// newest good checkpoint, if there is one.
    ///
    /// # Errors
    /// [`DataDirError`]; nothing was changed, but for a store that was put back.
    pub fn open_with(
        &self,
        open_log: impl FnOnce() -> Result<Arc<dyn Log>, LogError>,
    ) -> Result<OpenData, DataDirError> {
        let lock = lock_dir(&self.root)?;
        let log = open_log()?;
        let partitions = log.partitions();
        self.refuse_other_partitions(partitions)?;
        let shared = Shared::new(SharedSizes::default()).map_err(DataDirError::Shared)?;
        let mut stores = Vec::new();
        let mut expiry = Vec::new();
        for partition in 0..partitions {
            let (store, expired) = self.open_store(partition, log.as_ref(), &shared)?;
            stores.push(store);
            expiry.push(expired);
        }
        Ok(OpenData { log, stores, expiry, lock })
    }

    /// Takes the directory and opens the log, but no store yet: a node opens those of the partitions that it gets.
    ///
    /// # Errors
    /// [`DataDirError`]; nothing was changed.
    pub fn open_shared(
        &self,
        open_log: impl FnOnce() -> Result<Arc<dyn Log>, LogError>,
    ) -> Result<(Stores, DirLock), DataDirError> {
        let lock = lock_dir(&self.root)?;
        let log = open_log()?;
        self.refuse_other_partitions(log.partitions())?;
        let shared = Shared::new(SharedSizes::default()).map_err(DataDirError::Shared)?;
        Ok((Stores { data: self.clone(), log, shared, open: Mutex::default() }, lock))
    }

    fn open_store(
        &self,
        partition: u32,
        log: &dyn Log,
        shared: &Shared,
    ) -> Result<(Store, Arc<ExpiredRows>), DataDirError> {
        let path = self.state(partition);
        if !path.exists() {
            self.restore(partition, log)?;
        }
        let expired = ExpiredRows::new();
        Ok((Store::open(&path, shared, expired.clone())?, expired))
    }

    /// A state that the log has no partition for belongs to another log.
    fn refuse_other_partitions(&self, partitions: u32) -> Result<(), DataDirError> {
        let states = self.root.join("state");
        if !states.exists() {
            return Ok(());
        }
        let look = |source| DataDirError::Look { path: states.clone(), source };
        for entry in std::fs::read_dir(&states).map_err(look)? {
            let entry = entry.map_err(look)?;
            let number = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            if number.is_some_and(|number| number >= partitions) {
                return Err(DataDirError::OtherPartitions { path: entry.path(), partitions });
            }
        }
        Ok(())
    }

    /// Puts a missing state back from the newest checkpoint that is whole and belongs to the log.
    fn restore(&self, partition: u32, log: &dyn Log) -> Result<(), DataDirError> {
        let checkpoints = self.checkpoints(partition);
        let newest = checkpoints.newest_good()?;
        for (name, error) in &newest.passed_over {
            tracing::warn!(partition, "checkpoint {name} is passed over: {error}");
        }
        let Some(manifest) = newest.found else { return Ok(()) };
        check_state(log, partition, Some(manifest.applied()))?;
        tracing::info!(partition, "state is put back from checkpoint {}", manifest.name());
        checkpoints.restore(&manifest.name(), &self.state(partition))?;
        Ok(())
    }
}
