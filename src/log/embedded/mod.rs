//! The log inside the process: a RocksDB of its own, synced at each write.
//!
//! ```text
//! append ─► group: one write for all who wait ─► RocksDB: WAL, sync ─► partition: high watermark, tail cache ─► answer
//! ```
//!
//! One process at a time holds the folder. Tools read beside it with [`ReadOnlyLog`].

mod crc32c;
mod format;
mod group;
mod options;
mod partition;
mod read_only;
mod reader;
#[cfg(test)]
mod tests;
mod wal;

use std::{path::Path, time::Duration};

use parking_lot::Mutex;
use rocksdb::{DB, WriteBatch, WriteOptions};

pub use read_only::ReadOnlyLog;

use self::{
    group::{Batch, Group, Offsets},
    partition::Partition,
};
use super::{Bounds, Log, LogError, ReadLimit, Record, Stored};
use crate::dir_lock::{DirLock, lock_dir};

/// More partitions than any machine has cores for.
pub const MAX_PARTITIONS: u32 = 1_024;

/// The embedded log. See the module.
pub struct EmbeddedLog {
    db: DB,
    partitions: Vec<Partition>,
    group: Group,
    /// Why it refuses appends: the first write that failed.
    poison: Mutex<Option<String>>,
    /// Let go last.
    _lock: DirLock,
}

impl EmbeddedLog {
    /// Opens the log in a folder, or makes a new one there with so many partitions. A record that was being written when
    /// the machine or the process stopped, and so was never acknowledged, is cut off.
    ///
    /// # Errors
    /// [`LogError::Partitions`]: the log has another number of them.
    /// [`LogError::Open`]: another process holds the folder, the log has another format, or it is damaged in a way that no
    /// crash explains. Nothing is changed then.
    pub fn open(path: &Path, partitions: u32) -> Result<Self, LogError> {
        if !(1..=MAX_PARTITIONS).contains(&partitions) {
            return Err(LogError::Open(format!("a log has 1 to {MAX_PARTITIONS} partitions, not {partitions}")));
        }
        let lock = lock_dir(path).map_err(|error| LogError::Open(error.to_string()))?;
        let cut = wal::cut_torn_tail(path).map_err(|error| refused(path, &error))?;
        if cut > 0 {
            tracing::warn!(bytes = cut, "the log ended in a write that a crash interrupted; it was cut off");
        }
        let mut options = options::options().map_err(|error| refused(path, &error))?;
        options.create_if_missing(true);
        crate::table_io::beside_syncs(&mut options, path);
        let db = DB::open(&options, path).map_err(|error| refused(path, &error))?;
        settle_layout(&db, partitions)?;
        let partitions = (0..partitions).map(|partition| reader::bounds(&db, partition).map(Partition::new));
        let partitions = partitions.collect::<Result<_, _>>()?;
        Ok(Self { db, partitions, group: Group::default(), poison: Mutex::new(None), _lock: lock })
    }

    fn partition(&self, partition: u32) -> Result<&Partition, LogError> {
        self.partitions.get(partition as usize).ok_or(LogError::NoPartition(partition))
    }

    fn refuse_if_poisoned(&self) -> Result<(), LogError> {
        self.poison.lock().clone().map_or(Ok(()), |why| Err(LogError::Poisoned(why)))
    }

    /// Writes what gathered as one batch, syncs it, and makes it readable. Only one of these is under way at a time.
    fn commit(&self, batches: Vec<Batch>) -> Vec<Offsets> {
        if let Err(poisoned) = self.refuse_if_poisoned() {
            return vec![Err(poisoned); batches.len()];
        }
        let mut ends: Vec<u64> = self.partitions.iter().map(|partition| partition.bounds().high_watermark).collect();
        let (mut write, mut value) = (WriteBatch::default(), Vec::new());
        let mut offsets = Vec::with_capacity(batches.len());
        for batch in &batches {
            let end = &mut ends[batch.partition as usize];
            let base = *end;
            for record in &batch.records {
                let key = format::key(batch.partition, *end);
                format::seal(record, &key, &mut value);
                write.put(key, &value);
                *end += 1;
            }
            offsets.push(base..*end);
        }
        if let Err(error) = self.write_synced(write) {
            return vec![Err(error); batches.len()];
        }
        for (batch, offsets) in batches.into_iter().zip(offsets.clone()) {
            let stored = offsets.zip(batch.records).map(|(offset, record)| Stored { offset, record });
            self.partitions[batch.partition as usize].publish(stored);
        }
        offsets.into_iter().map(|offsets| Ok(offsets.collect())).collect()
    }

    /// After an error nobody knows what the disk holds, so this log writes nothing more.
    fn write_synced(&self, write: WriteBatch) -> Result<(), LogError> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(write, &options).map_err(|error| {
            let why = error.into_string();
            tracing::error!(error = %why, "the log cannot write; it refuses appends until it is opened again");
            self.poison.lock().get_or_insert_with(|| why.clone());
            LogError::Unknown(why)
        })
    }
}

impl Log for EmbeddedLog {
    fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    fn append(&self, partition: u32, batch: Vec<Record>) -> Result<Vec<u64>, LogError> {
        self.partition(partition)?;
        self.refuse_if_poisoned()?;
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.group.append(Batch { partition, records: batch }, |batches| self.commit(batches))
    }

    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        let place = self.partition(partition)?;
        let Bounds { first, high_watermark } = place.bounds();
        if from < first {
            return Err(LogError::Trimmed { partition, wanted: from, first });
        }
        if let Some(records) = place.newest(from, limit) {
            return Ok(records);
        }
        // A trim at the same time may have taken what was there a moment ago.
        reader::read(&self.db, partition, from, high_watermark, limit).map_err(|error| match place.bounds().first {
            first if from < first => LogError::Trimmed { partition, wanted: from, first },
            _ => error,
        })
    }

    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError> {
        Ok(self.partition(partition)?.wait(from, timeout))
    }

    fn wake(&self, partition: u32) {
        if let Ok(partition) = self.partition(partition) {
            partition.wake();
        }
    }

    fn trim(&self, partition: u32, below: u64) -> Result<(), LogError> {
        let place = self.partition(partition)?;
        self.refuse_if_poisoned()?;
        let Bounds { first, high_watermark } = place.bounds();
        let below = below.min(high_watermark);
        if below <= first {
            return Ok(());
        }
        let (from, until) = (format::key(partition, first), format::key(partition, below));
        let mut write = WriteBatch::default();
        write.put(format::first_key(partition), below.to_be_bytes());
        write.delete_range(from, until);
        // Readers are turned away first: none may meet a hole where it was promised records.
        place.begin_at(below);
        self.write_synced(write)?;
        // Drops whole tables at once; what is left of others goes with the next compaction. RocksDB counts the end in.
        let last = format::key(partition, below - 1);
        self.db.delete_file_in_range(from, last).map_err(|error| LogError::Failed(error.into_string()))
    }

    fn bounds(&self, partition: u32) -> Result<Bounds, LogError> {
        Ok(self.partition(partition)?.bounds())
    }
}

/// Writes the layout into a new log, and compares it in one that exists.
fn settle_layout(db: &DB, partitions: u32) -> Result<(), LogError> {
    match reader::layout(db)? {
        Some((_, same)) if same == partitions => Ok(()),
        Some((_, made)) => Err(LogError::Partitions { made, wanted: partitions }),
        None if db.iterator(rocksdb::IteratorMode::Start).next().is_some() => {
            Err(LogError::Open("the log holds records, but not the row that says how it is laid out".into()))
        }
        None => {
            let mut options = WriteOptions::default();
            options.set_sync(true);
            let made = db.put_opt(format::LAYOUT, format::layout(partitions), &options);
            made.map_err(|error| LogError::Open(error.into_string()))
        }
    }
}

fn refused(path: &Path, error: &dyn std::fmt::Display) -> LogError {
    LogError::Open(format!("{}: {error}", path.display()))
}
