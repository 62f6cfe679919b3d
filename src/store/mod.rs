//! The state store: the rows of one partition, in one RocksDB with one column family.
//!
//! It knows keys and values as bytes, and no event. Rows and the place in the log that they hold are written in one
//! batch ([`Store::commit`] asks for both), without a WAL: the log is the WAL, so after a crash the store is at some
//! earlier place and the rest is folded again.
//!
//! ```text
//! log    0 1 2 3 4 5 6 7 8 9           a crash now: the store is at 4 again, and 4 to 7 are folded once more
//!                ▲       ▲
//!             flushed   applied (next = 8)
//! ```
//!
//! Keys that begin with 0x00 belong to the store: no row may have one, no scan visits one.

mod applied;
pub mod checkpoint;
mod error;
mod expiry;
mod options;
mod shared;
#[cfg(test)]
mod tests;
mod view;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use rocksdb::{DB, FlushOptions, IngestExternalFileOptions, Options, SstFileWriter, WriteBatch, WriteOptions};

pub use self::{
    applied::Applied,
    error::StoreError,
    expiry::{Expiry, KeepAll},
    shared::{Shared, SharedSizes},
    view::View,
};
pub use crate::dir_lock::{DirLock, LockError, lock_dir};
use crate::direct_io;
use crate::domain::rows::{Changes, Key, Scratch};

/// The rows of one partition, open for its one writer and any number of readers. Clones are the same one.
#[derive(Clone)]
pub struct Store {
    db: Arc<DB>,
    path: PathBuf,
    /// Without the filter of compactions: for tables that are made beside it.
    options: Arc<Options>,
    /// The place of the last commit; held during a commit, so that there is one at a time.
    applied: Arc<Mutex<Option<Applied>>>,
}

impl Store {
    /// Opens the store in a folder, or makes an empty one.
    ///
    /// # Errors
    /// [`StoreError::Open`]: another process has it, or it is damaged. A store may be deleted and built again.
    pub fn open(path: &Path, shared: &Shared, expiry: Arc<dyn Expiry>) -> Result<Self, StoreError> {
        let opened = |source| StoreError::Open { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(|source| StoreError::Files { path: path.to_owned(), source })?;
        let mut options = options::serving(shared);
        options.create_if_missing(true);
        direct_io::enable(&mut options, path);
        let tables = Arc::new(options.clone());
        expiry::install(&mut options, expiry);
        let db = Arc::new(DB::open(&options, path).map_err(opened)?);
        let applied = View::new(db.clone()).applied()?;
        Ok(Self { db, path: path.to_owned(), options: tables, applied: Arc::new(Mutex::new(applied)) })
    }

    /// What a folder holds, for tools: it takes no lock and changes nothing. Beside a running server it shows what that
    /// one has flushed, which is an earlier place of the log.
    ///
    /// # Errors
    /// [`StoreError::Open`]: there is no store, or it is damaged.
    pub fn open_read_only(path: &Path) -> Result<View, StoreError> {
        /// A server may remove a file between the moment it is listed and opened: so often it is tried.
        const ATTEMPTS: u32 = 100;
        let current = path.join("CURRENT");
        if !current.exists() {
            // RocksDB would make the folder.
            return Err(StoreError::Files { path: current, source: std::io::ErrorKind::NotFound.into() });
        }
        let options = options::reading();
        let mut opened = DB::open_for_read_only(&options, path, false);
        for _ in 1..ATTEMPTS {
            if opened.is_ok() {
                break;
            }
            opened = DB::open_for_read_only(&options, path, false);
        }
        let db = opened.map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        Ok(View::new(Arc::new(db)))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is another clone of it, or a view.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.db) > 1
    }

    /// The place of the newest commit, durable or not; none in an empty store.
    pub fn applied(&self) -> Option<Applied> {
        *self.applied.lock()
    }

    /// Writes rows and the place that they hold as one. Readers see all of it or nothing; a crash leaves all of it or
    /// nothing.
    ///
    /// # Errors
    /// If RocksDB cannot take it, for instance after a flush failed. The partition has to stop.
    ///
    /// # Panics
    /// If the place goes back, or a key is the store's own: the fold is broken, and nothing of it may be kept.
    pub fn commit(&self, changes: &Changes, applied: Applied) -> Result<(), StoreError> {
        let mut before = self.applied.lock();
        check_place(*before, applied);
        let (mut batch, mut scratch) = (WriteBatch::default(), Scratch::new());
        for (key, cell) in changes.sorted() {
            let key = row_key(key);
            match cell {
                Some(cell) => batch.put(key, cell.value(&mut scratch)),
                None => batch.delete(key),
            }
        }
        batch.put(applied::KEY, applied.encode());
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(batch, &options).map_err(StoreError::failed("commit"))?;
        *before = Some(applied);
        Ok(())
    }

    /// Does the same as [`Store::commit`] with a table file: for batches so large that a table of their own is cheaper
    /// than the memory in between. It is durable when this returns, and with it all that was committed before.
    ///
    /// # Errors
    /// If the disk fails. The partition has to stop.
    ///
    /// # Panics
    /// As [`Store::commit`].
    pub fn ingest(&self, changes: &Changes, applied: Applied) -> Result<(), StoreError> {
        const NEW_TABLE: &str = "ingest.sst";
        let failed = StoreError::failed("writing a table");
        let mut before = self.applied.lock();
        check_place(*before, applied);
        let path = self.path.join(NEW_TABLE);
        let (mut table, mut scratch) = (SstFileWriter::create(&self.options), Scratch::new());
        table.open(&path).map_err(&failed)?;
        table.put(applied::KEY, applied.encode()).map_err(&failed)?;
        for (key, cell) in changes.sorted() {
            let key = row_key(key);
            match cell {
                Some(cell) => table.put(key, cell.value(&mut scratch)),
                None => table.delete(key),
            }
            .map_err(&failed)?;
        }
        table.finish().map_err(&failed)?;
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        self.db.ingest_external_file_opts(&options, vec![path]).map_err(failed)?;
        *before = Some(applied);
        Ok(())
    }

    /// A consistent view of what is committed now. It stays as it is and owns what it needs. Costs a snapshot, about a
    /// microsecond; a view that is kept keeps old versions of rows on disk.
    pub fn view(&self) -> View {
        View::new(self.db.clone())
    }

    /// Makes what is committed now durable, and waits for it; gives the place.
    ///
    /// # Errors
    /// If the disk fails: what was not durable before is lost at the next crash, and folded again.
    pub fn flush(&self) -> Result<Option<Applied>, StoreError> {
        let applied = self.applied();
        self.db.flush().map_err(StoreError::failed("flush"))?;
        Ok(applied)
    }

    /// Begins the same, and does not wait.
    ///
    /// # Errors
    /// If RocksDB refuses, for instance after an earlier flush failed.
    pub fn flush_in_background(&self) -> Result<(), StoreError> {
        let mut options = FlushOptions::new();
        options.set_wait(false);
        self.db.flush_opt(&options).map_err(StoreError::failed("flush"))
    }

    /// Makes a copy of the store in a new folder on the same file system: files that never change are linked, so it
    /// costs a flush. Gives the place of the copy, which is at or behind that of the store when it was called.
    ///
    /// # Errors
    /// If the folder exists, or the disk fails.
    pub fn checkpoint(&self, into: &Path) -> Result<Option<Applied>, StoreError> {
        let failed = StoreError::failed("checkpoint");
        rocksdb::checkpoint::Checkpoint::new(&*self.db)
            .and_then(|made| made.create_checkpoint(into))
            .map_err(failed)?;
        Ok(Self::open_read_only(into)?.applied()?)
    }
}

fn check_place(before: Option<Applied>, applied: Applied) {
    if let Some(before) = before {
        assert!(applied.next >= before.next, "the store is at {}, a commit says {}", before.next, applied.next);
    }
}

fn row_key(key: &Key) -> &[u8] {
    let key = key.as_slice();
    assert!(key.first().is_some_and(|byte| *byte != applied::RESERVED), "the key {key:?} is no row's");
    key
}
