//! What lies under a data directory, and how it is opened.
//!
//! `log/` the log, if it is the embedded one · `state/<partition>/` the state store · `checkpoints/<partition>/` copies of
//! the state, if they do not lie elsewhere · `dead-letters/` what consumers gave up, a log with one partition ·
//! `moved-to` if the app has gone on elsewhere.
//!
//! How a partition gets its state, at start and whenever it is taken over ([`DataDir::open_state`]):
//!
//! ```text
//! state/<partition>, if the record that it was folded from last is the log's
//!   └─ else the newest checkpoint that is whole and of which the same holds; if there are only others, it is refused
//!        └─ else nothing, if the log is whole from its start and goes on from no other; else it is refused
//! then the engine folds what the log has more
//! ```

mod stores;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use thiserror::Error;

use crate::dir_lock::{DirLock, LockError, lock_dir};
use crate::durable;
use crate::engine::{ExpiredRows, OpenError, check_state};
use crate::log::embedded::EmbeddedLog;
use crate::log::{Log, LogError};
use crate::store::checkpoint::{CheckpointError, CheckpointStore, Checkpoints, Manifest, Place};
use crate::store::{Applied, Shared, SharedSizes, Store, StoreError};

pub use stores::Stores;

/// Why a data directory cannot be opened.
#[derive(Debug, Error)]
pub enum DataDirError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "a state cannot be used; if it is damaged, `duolog-replay rebuild` makes it anew from log and checkpoint while the \
         server is stopped"
    )]
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
    #[error(
        "the app of {} was moved to {to}: start the server there. To go on here after all, which forgets whatever has \
         happened there, delete the file {MOVED}",
        path.display()
    )]
    Moved { path: PathBuf, to: String },
    #[error(
        "partition {partition}: no state, and of its checkpoints {name} is the newest that is whole, which this log does not \
         continue. Put back the log that it was made of. To go on without what that one held, give this log another place \
         for checkpoints. {source}"
    )]
    OtherBase { partition: u32, name: String, source: OpenError },
    #[error("{} cannot be used: {source}", path.display())]
    Look { path: PathBuf, source: std::io::Error },
}

/// The file of a data directory whose app has moved; it says where to.
const MOVED: &str = "moved-to";

/// The paths of a data directory, and where its checkpoints lie.
#[derive(Clone)]
pub struct DataDir {
    root: PathBuf,
    place: Place,
    /// Opened when it is first asked for.
    checkpoints: Arc<OnceLock<CheckpointStore>>,
}

/// A partition's state, open.
pub struct OpenState {
    pub store: Store,
    /// Follows the horizons of its rows.
    pub expiry: Arc<ExpiredRows>,
}

/// What checkpoints there are of a partition.
enum Newest {
    /// The newest that fits the log was fetched, and lies here.
    Fetched(PathBuf),
    /// There are whole ones, the newest of them this one, and none fits.
    Unfit {
        name: String,
        source: OpenError,
    },
    None,
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

/// The log, and of each partition its store and what follows its horizons.
type OpenStates = (Arc<dyn Log>, Vec<Store>, Vec<Arc<ExpiredRows>>);

impl DataDir {
    /// `checkpoints`: the folder in which they lie, if not under the directory.
    pub fn new(root: impl Into<PathBuf>, checkpoints: Option<&Path>) -> Self {
        let root = root.into();
        let place = Place::Folder(checkpoints.map_or_else(|| root.join("checkpoints"), Path::to_owned));
        Self::with_checkpoints(root, place)
    }

    pub fn with_checkpoints(root: impl Into<PathBuf>, place: Place) -> Self {
        Self { root: root.into(), place, checkpoints: Arc::default() }
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
        self.states().join(partition.to_string())
    }

    /// The folder of all states.
    fn states(&self) -> PathBuf {
        self.root.join("state")
    }

    /// The checkpoints of one partition. Nothing is asked of their place yet.
    ///
    /// # Errors
    /// As [`Self::checkpoint_store`].
    pub fn checkpoints(&self, partition: u32) -> Result<Checkpoints, CheckpointError> {
        Ok(self.checkpoint_store()?.of(partition))
    }

    /// # Errors
    /// [`CheckpointError::Place`]: the settings of the place contradict each other.
    pub fn checkpoint_store(&self) -> Result<&CheckpointStore, CheckpointError> {
        if let Some(store) = self.checkpoints.get() {
            return Ok(store);
        }
        let store = CheckpointStore::open(self.place.clone())?;
        Ok(self.checkpoints.get_or_init(|| store))
    }

    /// [`Self::open_with`] the embedded log.
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, partitions: u32) -> Result<OpenData, DataDirError> {
        self.open_with(|| Ok(Arc::new(EmbeddedLog::open(&self.log(), partitions)?)))
    }

    /// Takes the directory, opens the log and a store for each partition ([`Self::open_state`]).
    ///
    /// # Errors
    /// [`DataDirError`]; nothing was changed, but for a store that was put back.
    pub fn open_with(
        &self,
        open_log: impl FnOnce() -> Result<Arc<dyn Log>, LogError>,
    ) -> Result<OpenData, DataDirError> {
        let lock = lock_dir(&self.root)?;
        self.refuse_moved()?;
        let missing = [self.log(), self.states()].map(|path| is_absent(&path).then_some(path));
        match open_log().map_err(DataDirError::from).and_then(|log| self.open_states(log)) {
            Ok((log, stores, expiry)) => Ok(OpenData { log, stores, expiry, lock }),
            Err(error) => {
                remove_begun(missing);
                Err(error)
            }
        }
    }

    /// A store for each partition of an open log.
    fn open_states(&self, log: Arc<dyn Log>) -> Result<OpenStates, DataDirError> {
        let partitions = log.partitions();
        self.refuse_other_partitions(partitions)?;
        let shared = Shared::new(SharedSizes::default()).map_err(DataDirError::Shared)?;
        let (mut stores, mut expiry) = (Vec::new(), Vec::new());
        for partition in 0..partitions {
            let state = self.open_state(partition, log.as_ref(), &shared)?;
            stores.push(state.store);
            expiry.push(state.expiry);
        }
        Ok((log, stores, expiry))
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
        self.refuse_moved()?;
        let log = open_log()?;
        self.refuse_other_partitions(log.partitions())?;
        let shared = Shared::new(SharedSizes::default()).map_err(DataDirError::Shared)?;
        Ok((Stores::new(self.clone(), log, shared), lock))
    }

    /// Opens one partition's state: the local one if it belongs to the log, else the newest good checkpoint that does,
    /// else, on a log that is whole, an empty one. It may be behind the log, never beyond it. Cost: of a checkpoint, its
    /// copy and reading that.
    ///
    /// # Errors
    /// [`DataDirError::State`]: what is here cannot go on with this log; it stays as it is. Others: it may work later.
    pub fn open_state(&self, partition: u32, log: &dyn Log, shared: &Shared) -> Result<OpenState, DataDirError> {
        let path = self.state(partition);
        let unfit = if path.exists() {
            let state = open_store(&path, shared)?;
            match why_unfit(log, partition, state.store.applied())? {
                None => return Ok(state),
                unfit => unfit,
            }
        } else {
            None
        };
        let without = check_state(log, partition, None);
        match self.fetch_newest(partition, log) {
            Ok(Newest::Fetched(fetched)) => {
                if let Some(unfit) = unfit {
                    tracing::error!(partition, "the state here is not used: {unfit}");
                    self.set_aside(partition)?;
                }
                let put = std::fs::rename(&fetched, &path);
                put.map_err(|source| DataDirError::Look { path: path.clone(), source })?;
            }
            Ok(Newest::Unfit { name, source }) => {
                return Err(unfit.map_or(DataDirError::OtherBase { partition, name, source }, DataDirError::State));
            }
            Ok(Newest::None) => match unfit {
                Some(unfit) => return Err(unfit.into()),
                None => without?,
            },
            // The log has all that there is.
            Err(error) if unfit.is_none() && without.is_ok() => {
                tracing::warn!(partition, "no checkpoint can be read, so the log is folded from its start: {error}");
            }
            Err(error) => return Err(error.into()),
        }
        open_store(&path, shared)
    }

    /// Fetches the newest checkpoint that is whole and belongs to the log, and tells where it is.
    fn fetch_newest(&self, partition: u32, log: &dyn Log) -> Result<Newest, CheckpointError> {
        let checkpoints = self.checkpoints(partition)?;
        let fetched = self.state(partition).with_extension("fetched");
        if fetched.exists() {
            // A start that was broken off left it.
            let removed = std::fs::remove_dir_all(&fetched);
            removed.map_err(|source| CheckpointError::Files { path: fetched.clone(), source })?;
        }
        let mut newest = Newest::None;
        for name in checkpoints.list()?.into_iter().rev() {
            let passed_over = match checkpoints.manifest(&name) {
                Ok(manifest) => match fits(log, partition, &manifest) {
                    Ok(()) => match fetch(&checkpoints, &manifest, &fetched) {
                        Err(error) if error.is_damage() => error.to_string(),
                        result => return result.map(|()| Newest::Fetched(fetched)),
                    },
                    Err(source) => {
                        let why = source.to_string();
                        if matches!(newest, Newest::None) {
                            newest = Newest::Unfit { name: name.to_string(), source };
                        }
                        why
                    }
                },
                Err(error) if error.is_damage() => error.to_string(),
                Err(error) => return Err(error),
            };
            tracing::warn!(partition, "checkpoint {name} is passed over: {passed_over}");
        }
        Ok(newest)
    }

    /// Moves a state that does not belong to the log out of the way; only the last one is kept.
    fn set_aside(&self, partition: u32) -> Result<(), DataDirError> {
        let (path, aside) = (self.state(partition), self.states().join(format!("{partition}.unused")));
        let moved = match std::fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => std::fs::rename(&path, &aside),
        };
        moved.map_err(|source| DataDirError::Look { path, source })
    }

    /// Notes that this directory's app has gone on elsewhere: from here on no server starts here.
    ///
    /// # Errors
    /// [`DataDirError::Look`] if the disk fails.
    pub fn note_moved(&self, to: &str) -> Result<(), DataDirError> {
        let path = self.root.join(MOVED);
        durable::write(&path, format!("{to}\n").as_bytes()).map_err(|source| DataDirError::Look { path, source })
    }

    fn refuse_moved(&self) -> Result<(), DataDirError> {
        let path = self.root.join(MOVED);
        match std::fs::read_to_string(&path) {
            Ok(to) => Err(DataDirError::Moved { path: self.root.clone(), to: to.trim().to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(DataDirError::Look { path, source }),
        }
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
}

/// Whether a path names nothing at all, not even a link to a disk that is not mounted.
fn is_absent(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Takes away a log that a start has begun before it was refused, and the states beside it: the next start would take the
/// log, in which nothing is, for the one that is missing.
fn remove_begun([log, states]: [Option<PathBuf>; 2]) {
    let Some(log) = log.filter(|log| log.exists()) else { return };
    for begun in states.into_iter().chain([log]) {
        if let Err(error) = std::fs::remove_dir_all(&begun)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{} was begun and is of no use; it cannot be removed: {error}", begun.display());
        }
    }
}

/// Why the log does not go on from a state, if it does not.
fn why_unfit(log: &dyn Log, partition: u32, applied: Option<Applied>) -> Result<Option<OpenError>, LogError> {
    let first = log.bounds(partition)?.first;
    if applied.is_some_and(|applied| applied.next < first) {
        // The records between are gone.
        return Ok(Some(OpenError::NoBase { partition, first }));
    }
    match check_state(log, partition, applied) {
        Ok(()) => Ok(None),
        Err(OpenError::Log(error)) => Err(error),
        Err(unfit) => Ok(Some(unfit)),
    }
}

/// Whether a partition's log goes on from a checkpoint of it.
///
/// # Errors
/// If the log cannot be read.
pub fn continues(log: &dyn Log, checkpoint: &Manifest) -> Result<bool, LogError> {
    Ok(why_unfit(log, checkpoint.origin.partition, Some(checkpoint.applied()))?.is_none())
}

/// Whether a partition can go on from a checkpoint.
fn fits(log: &dyn Log, partition: u32, manifest: &Manifest) -> Result<(), OpenError> {
    why_unfit(log, partition, Some(manifest.applied()))?.map_or(Ok(()), Err)
}

fn fetch(checkpoints: &Checkpoints, manifest: &Manifest, into: &Path) -> Result<(), CheckpointError> {
    let (name, partition, mut told) = (manifest.name(), manifest.origin.partition, 0);
    tracing::info!(partition, bytes = manifest.bytes(), "state is put back from checkpoint {name}");
    let mut tell = |done: u64, all: u64| {
        let tenths = (done * 10).checked_div(all).unwrap_or(10);
        if tenths > told {
            told = tenths;
            tracing::info!(partition, "{tenths}0 % of the state are put back");
        }
    };
    checkpoints.restore(&name, into, &mut tell)?;
    Ok(())
}

fn open_store(path: &Path, shared: &Shared) -> Result<OpenState, DataDirError> {
    let expiry = ExpiredRows::new();
    Ok(OpenState { store: Store::open(path, shared, expiry.clone())?, expiry })
}
