//! The embedded log for tools that look at it while a server runs, or when none does.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use rocksdb::{DB, DBRecoveryMode, Options};

use super::{options, reader, refused, wal};
use crate::log::{Bounds, Log, LogError, ReadLimit, Record, Stored};

/// How often a tool that follows the log looks whether the server has written more.
const LOOK: Duration = Duration::from_millis(50);
/// A server may remove a file between the moment a tool learns of it and opens it: so often it is tried.
const ATTEMPTS: u32 = 100;

/// An embedded log that is only read, and takes no lock: a server may write to it meanwhile. It sees what the server had
/// synced when it looked, at [`Log::bounds`] or [`Log::wait`], and perhaps a batch that is being synced.
pub struct ReadOnlyLog {
    db: DB,
    partitions: u32,
    wakes: Mutex<u64>,
    woken: Condvar,
    _scratch: Scratch,
}

impl ReadOnlyLog {
    /// Opens the log in a folder for reading.
    ///
    /// # Errors
    /// [`LogError::Open`]: there is no log, or one of another format, or it is damaged.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        if !path.join("CURRENT").exists() {
            // RocksDB would make the folder.
            return Err(refused(path, &"there is no log here"));
        }
        wal::refuse_damage(path).map_err(|error| refused(path, &error))?;
        let mut options = options::options().map_err(|error| refused(path, &error))?;
        // The newest batch may be half written at any moment.
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        options.set_track_and_verify_wals_in_manifest(false);
        // Keeps files readable that the server removes meanwhile.
        options.set_max_open_files(-1);
        let scratch = Scratch::new();
        let open = || DB::open_as_secondary(&options, path, &scratch.0);
        for _ in 0..ATTEMPTS {
            let db = again(open).map_err(|error| refused(path, &error))?;
            if let Some((_, partitions)) = reader::layout(&db)? {
                return Ok(Self { db, partitions, wakes: Mutex::new(0), woken: Condvar::new(), _scratch: scratch });
            }
            // Between the list of files and the write-ahead log the server has flushed one into the other: what was in
            // neither is there next time.
        }
        Err(refused(path, &why_empty(&options, path)))
    }

    fn existing(&self, partition: u32) -> Result<u32, LogError> {
        if partition < self.partitions { Ok(partition) } else { Err(LogError::NoPartition(partition)) }
    }

    /// A server that flushes while a tool opens its log leaves the tool with a hole between files and write-ahead log, until
    /// it has looked again: only damage that stays is damage.
    fn read_settled(&self, partition: u32, from: u64, end: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        let mut read = reader::read(&self.db, partition, from, end, limit);
        for _ in 1..ATTEMPTS {
            if !matches!(read, Err(LogError::Damaged { .. })) {
                break;
            }
            self.look(partition)?;
            read = reader::read(&self.db, partition, from, end, limit);
        }
        read
    }

    fn look(&self, partition: u32) -> Result<Bounds, LogError> {
        again(|| self.db.try_catch_up_with_primary()).map_err(|error| LogError::Failed(error.into_string()))?;
        reader::bounds(&self.db, partition)
    }
}

impl Log for ReadOnlyLog {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn append(&self, _: u32, _: Vec<Record>) -> Result<Vec<u64>, LogError> {
        Err(LogError::Failed("it was opened for reading only".into()))
    }

    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        let Bounds { first, high_watermark } = reader::bounds(&self.db, self.existing(partition)?)?;
        match from {
            _ if from < first => Err(LogError::Trimmed { partition, wanted: from, first }),
            _ if from >= high_watermark => Ok(Vec::new()),
            _ => self.read_settled(partition, from, high_watermark, limit),
        }
    }

    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError> {
        let partition = self.existing(partition)?;
        let until = Instant::now().checked_add(timeout);
        let mut wakes = self.wakes.lock();
        let before = *wakes;
        loop {
            let Bounds { high_watermark, .. } = self.look(partition)?;
            let left = until.map_or(LOOK, |until| until.saturating_duration_since(Instant::now()));
            if high_watermark > from || left.is_zero() || *wakes != before {
                return Ok(high_watermark);
            }
            self.woken.wait_for(&mut wakes, left.min(LOOK));
        }
    }

    fn wake(&self, _: u32) {
        *self.wakes.lock() += 1;
        self.woken.notify_all();
    }

    fn trim(&self, _: u32, _: u64) -> Result<(), LogError> {
        Err(LogError::Failed("it was opened for reading only".into()))
    }

    fn bounds(&self, partition: u32) -> Result<Bounds, LogError> {
        self.look(self.existing(partition)?)
    }
}

/// Why a log shows nothing: RocksDB's secondary passes over tables that it cannot read, as if they had never been written.
fn why_empty(options: &Options, path: &Path) -> String {
    match again(|| DB::open_for_read_only(options, path, false)) {
        Ok(_) => "there is no log here".to_owned(),
        Err(damage) => damage.into_string(),
    }
}

/// Tries some times at once: each attempt begins with what the server has on disk by then.
fn again<T>(attempt: impl Fn() -> Result<T, rocksdb::Error>) -> Result<T, rocksdb::Error> {
    let mut result = attempt();
    for _ in 1..ATTEMPTS {
        if result.is_ok() {
            break;
        }
        result = attempt();
    }
    result
}

/// A folder for RocksDB's notes about this reader: nothing may be written where the server's files are.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(env::temp_dir().join(format!("duolog-reader-{}-{count}", process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Only notes: if they stay, they harm nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
