//! The state store: the rows of one partition, in one RocksDB with one column family.
//!
//! It knows keys and values, and no event. Rows and the place in the log that they hold are committed as one
//! ([`Writer::commit`] asks for both), and without a WAL: the log is the WAL, so after a crash the store is at some earlier
//! place and the rest is folded again.
//!
//! ```text
//! log    0 1 2 3 4 5 6 7 8 9           a crash now: the store is at 4 again, and 4 to 7 are folded once more
//!                ▲       ▲
//!             flushed   applied (next = 8)
//! ```
//!
//! What is committed lies in memory first (`buffer`), as the fold left it, and not in RocksDB's own write buffer: a row that
//! is changed by every second message is encoded and sorted once a table, not once a commit. `tables` makes tables of it.
//!
//! Keys that begin with 0x00 belong to the store: no row may have one, no scan visits one.

mod applied;
mod buffer;
pub mod checkpoint;
mod error;
mod expiry;
mod hot;
mod layers;
mod options;
mod pace;
mod shared;
mod tables;
#[cfg(test)]
mod tests;
mod versions;
mod view;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use rocksdb::{ColumnFamily, DB, DBPinnableSlice, DEFAULT_COLUMN_FAMILY_NAME, Options, WriteOptions};

pub use self::{
    applied::Applied,
    error::StoreError,
    expiry::{Expiry, KeepAll, TableReader},
    shared::{Shared, SharedSizes},
    view::View,
    writer::Writer,
};
use self::{buffer::Viewed, hot::HotRows, layers::Layers, shared::Share, tables::Tables, versions::Memory};
pub use crate::dir_lock::{DirLock, LockError, lock_dir};
use crate::domain::rows::{Cell, Direction, HashedKey, Key, KeyRange, Rows, RowsError, Visited, in_order};
use crate::table_io;

/// The rows of one partition, open for its one writer and any number of readers. Clones are the same one; when the last one
/// goes, what is committed is flushed.
///
/// Read directly it shows the newest committed rows. Between two reads others may be committed: whoever does not commit
/// himself takes a [`View`].
#[derive(Clone)]
pub struct Store {
    core: Arc<Core>,
    open: Arc<Open>,
}

/// What the store's clones share with the thread that makes tables.
struct Core {
    db: Arc<DB>,
    path: PathBuf,
    /// Without the filter of compactions: for tables that are made beside it.
    options: Options,
    expiry: Arc<dyn Expiry>,
    layers: RwLock<Layers>,
    viewed: Arc<Viewed>,
    share: Share,
    /// What the last tables leave for the next buffer: for its rows, and for its hot rows.
    spare: Mutex<(Memory, Memory)>,
    /// Held by whoever commits, or gives the writer another buffer.
    writing: Mutex<()>,
    tables: Tables,
}

/// Flushes when the last clone goes, and waits for the thread that makes tables: then the folder is free.
struct Open(Arc<Core>);

impl Drop for Open {
    fn drop(&mut self) {
        if let Err(error) = self.0.flush() {
            tracing::warn!("rows were not flushed, the next start folds them again: {error}");
        }
        self.0.tables.end();
    }
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
        table_io::beside_syncs(&mut options, path);
        let (unfiltered, tables) = (options.clone(), Tables::default());
        expiry::install(&mut options, expiry.clone(), tables.behind.clone());
        // By its name, so that there is a handle of it.
        let family = [(DEFAULT_COLUMN_FAMILY_NAME, options.clone())];
        let db = Arc::new(DB::open_cf_with_opts(&options, path, family).map_err(opened)?);
        options::keep_compacted(&db).map_err(opened)?;
        if db.latest_sequence_number() == 0 {
            // A snapshot has to be of a later one: RocksDB's compactions take 0 for "no snapshot".
            let mut unlogged = WriteOptions::default();
            unlogged.disable_wal(true);
            db.delete_opt(applied::KEY, &unlogged).map_err(opened)?;
        }
        expiry::tell(&*expiry, &db);
        let applied = View::of_tables(db.clone()).applied()?;
        let share = shared.share();
        let core = Arc::new(Core {
            db,
            path: path.to_owned(),
            options: unfiltered,
            expiry,
            layers: RwLock::new(Layers::new(applied)),
            viewed: Arc::default(),
            share,
            spare: Mutex::default(),
            writing: Mutex::default(),
            tables,
        });
        Ok(Self { open: Arc::new(Open(core.clone())), core })
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
        Ok(View::of_tables(Arc::new(db)))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.core.path
    }

    /// Whether there is another clone of it, or a view.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.open) > 1 || Arc::strong_count(&self.core.db) > 1
    }

    /// The place of the newest commit, durable or not; none in an empty store.
    pub fn applied(&self) -> Option<Applied> {
        self.core.layers.read().active.committed().applied
    }

    /// Whether a table could not be written: then nothing more is committed, until it is opened again.
    pub fn has_failed(&self) -> bool {
        self.core.tables.check().is_err()
    }

    /// Who commits to the store: one at a time.
    pub fn writer(&self) -> Writer {
        Writer::new(self.clone())
    }

    /// A consistent view of what is committed now. It stays as it is and owns what it needs. Costs a snapshot, about a
    /// microsecond; a view that is kept keeps old versions of rows in memory and on disk.
    pub fn view(&self) -> View {
        View::new(&self.core)
    }

    /// Makes what is committed now durable, and waits for it; gives the place.
    ///
    /// # Errors
    /// If the disk fails: what was not durable before is lost at the next crash, and folded again.
    pub fn flush(&self) -> Result<Option<Applied>, StoreError> {
        self.core.flush()
    }

    /// Begins the same, and does not wait.
    ///
    /// # Errors
    /// If an earlier flush failed.
    pub fn flush_in_background(&self) -> Result<(), StoreError> {
        self.core.flush_in_background()
    }

    /// Makes a copy of the store in a new folder on the same file system: files that never change are linked, so it
    /// costs a flush. Gives the place of the copy, which is at or after that of the store when it was called.
    ///
    /// # Errors
    /// If the folder exists, or the disk fails.
    pub fn checkpoint(&self, into: &Path) -> Result<Option<Applied>, StoreError> {
        let failed = StoreError::failed("checkpoint");
        self.flush()?;
        rocksdb::checkpoint::Checkpoint::new(&*self.core.db)
            .and_then(|made| made.create_checkpoint(into))
            .map_err(failed)?;
        Ok(Self::open_read_only(into)?.applied()?)
    }
}

impl Core {
    /// The newest version of a row, if it is in memory.
    fn in_memory(&self, key: &[u8]) -> Option<Option<Cell>> {
        self.layers.read().get(key).map(|(cell, _)| cell)
    }

    /// A row for the one writer. If it is hot, it stays in memory.
    fn newest(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        let found = self.layers.read().get(key);
        let cell = match found {
            Some((cell, false)) => return Ok(cell),
            Some((cell, true)) => cell,
            None => self.in_tables(key)?,
        };
        if HotRows::table(key).is_some() {
            self.layers.read().active.hot().keep(Key::from(key).into(), cell.clone());
        }
        Ok(cell)
    }

    /// Several rows for the one writer. Those that are hot stay in memory.
    fn newest_of(&self, keys: &[&HashedKey]) -> Result<Vec<Option<Cell>>, RowsError> {
        let rows = self.several(keys)?;
        let hot = keys.iter().zip(&rows).filter(|(key, (_, stays))| !stays && HotRows::table(key.as_slice()).is_some());
        let kept: Vec<_> = hot.map(|(key, (cell, _))| ((*key).clone(), cell.clone())).collect();
        if !kept.is_empty() {
            self.layers.read().active.hot().keep_all(kept.into_iter());
        }
        Ok(rows.into_iter().map(|(cell, _)| cell).collect())
    }

    /// Several rows, and whether each stays in memory for longer.
    fn several(&self, keys: &[&HashedKey]) -> Result<Vec<(Option<Cell>, bool)>, RowsError> {
        let found = self.layers.read().get_all(keys);
        let mut read = self.all_in_tables(keys, &found)?.into_iter();
        let found = found.into_iter().map(|found| match found {
            Some((cell, goes)) => (cell, !goes),
            None => (read.next().flatten(), false),
        });
        Ok(found.collect())
    }

    /// Of several rows those that are not in memory.
    fn all_in_tables<T>(&self, keys: &[&HashedKey], found: &[Option<T>]) -> Result<Vec<Option<Cell>>, RowsError> {
        let missing = keys.iter().zip(found).filter(|(_, found)| found.is_none()).map(|(key, _)| *key);
        let missing: Vec<(&Key, usize)> =
            in_order(missing.enumerate().map(|(place, key)| (&**key, (&**key, place)))).collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.db.batched_multi_get_cf(self.family(), missing.iter().map(|(key, _)| *key), true);
        let mut cells = vec![None; missing.len()];
        for ((key, place), row) in missing.iter().zip(rows) {
            cells[*place] = from_table(key.as_slice(), row.map_err(view::unreadable)?)?;
        }
        Ok(cells)
    }

    /// A row that is not in memory, decoded if it is hot.
    fn in_tables(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        from_table(key, self.db.get_pinned(key).map_err(view::unreadable)?)
    }

    /// The one column family.
    fn family(&self) -> &ColumnFamily {
        self.db.cf_handle(DEFAULT_COLUMN_FAMILY_NAME).expect("it was opened by its name")
    }
}

/// A row as a table has it, decoded if it is hot.
fn from_table(key: &[u8], row: Option<DBPinnableSlice<'_>>) -> Result<Option<Cell>, RowsError> {
    let cell = row.map(|row| Cell::from(Bytes::copy_from_slice(&row)));
    match HotRows::table(key) {
        Some(table) => cell.map(|cell| cell.decoded(table)).transpose(),
        None => Ok(cell),
    }
}

impl Rows for Store {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        Ok(self.cell(key)?.as_ref().map(Cell::bytes))
    }

    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        self.core.in_memory(key).map_or_else(|| self.core.in_tables(key), Ok)
    }

    fn cells(&self, keys: &[&HashedKey]) -> Result<Vec<Option<Cell>>, RowsError> {
        Ok(self.core.several(keys)?.into_iter().map(|(cell, _)| cell).collect())
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
    ) -> Result<(), RowsError> {
        self.view().scan(range, direction, visit)
    }
}
