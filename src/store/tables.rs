//! Committed rows become tables of RocksDB, one buffer at a time, on a thread that gives way to whoever waits for an answer.
//!
//! ```text
//! active ──(full, or a flush)──► frozen ──► sorted ──► table files ──► in RocksDB; its hot rows stay in memory
//!                                  readers look into it until here ────▲
//! ```

use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rocksdb::{IngestExternalFileOptions, SstFileWriter};

use super::buffer::{Buffer, Contents};
use super::hot::HotRows;
use super::pace::{self, Pace};
use super::{Applied, Core, StoreError, applied, expiry};
use crate::domain::rows::{Key, Scratch, Table};
use crate::turns;

/// The tables that are made at the moment, one for each [`Band`]. A crash may leave them behind, as other names of files that
/// RocksDB has taken in.
const NEW_TABLES: [(Band, &str); 3] =
    [(Band::Before, "ingest.sst"), (Band::NewBodies, "ingest-bodies.sst"), (Band::After, "ingest-after.sst")];
/// Tables that no compaction has sorted into the others, at most, while compactions may take their time: it begins with four of
/// them, and from twenty on RocksDB slows writers down.
const IN_TIME: u64 = 8;
/// How long a table waits, again and again, while compactions are too far behind.
const BEHIND: Duration = Duration::from_millis(10);

/// Keys that lie next to each other and have a table of their own.
///
/// The bodies of messages are more than half of all bytes, and come in the order of the log. In a table of their own the new
/// ones lie behind all others, so RocksDB takes them in where they stay, and no compaction writes them again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Band {
    /// What comes before them, and bodies that have changed.
    Before,
    NewBodies,
    After,
}

impl Band {
    /// `newest`: the last body that is in a table.
    fn of(key: &[u8], newest: Option<&[u8]>) -> Self {
        match key.first().map(|byte| byte.cmp(&(Table::Message as u8))) {
            Some(Ordering::Greater) => Self::After,
            Some(Ordering::Equal) if newest.is_none_or(|newest| key > newest) => Self::NewBodies,
            _ => Self::Before,
        }
    }
}

/// Whether a table is being made, and whether one could not be.
#[derive(Default)]
pub(super) struct Tables {
    state: Mutex<State>,
    made: Condvar,
    /// How many wait for the table that is being made.
    waiting: AtomicUsize,
    /// Bytes of the rows that came since it was begun: the next table.
    coming: AtomicUsize,
    /// Whether compactions have too many tables before them.
    pub behind: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    /// A flush was asked for while the one before was not done.
    wanted: bool,
    making: bool,
    failed: Option<String>,
    /// When the last table was begun, the work that it was, and how it rests: see [`Pace`].
    begun: Option<Instant>,
    work: Duration,
    rests: f64,
    /// Makes the last table, or clears its memory.
    thread: Option<JoinHandle<()>>,
}

impl Tables {
    /// # Errors
    /// If a table could not be made: what is in memory may not go on growing.
    pub fn check(&self) -> Result<(), StoreError> {
        self.state.lock().check()
    }

    /// Waits until no table is being made.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn wait(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        self.waiting.fetch_add(1, Relaxed);
        while state.making {
            self.made.wait(&mut state);
        }
        self.waiting.fetch_sub(1, Relaxed);
        state.check()
    }

    fn made(&self, made: Result<(), String>) {
        let mut state = self.state.lock();
        state.making = false;
        state.failed = made.err();
        self.made.notify_all();
    }

    /// Whether somebody waits, or the next table is so far that he soon would.
    fn is_urgent(&self, share: usize) -> bool {
        self.waiting.load(Relaxed) > 0 || self.coming.load(Relaxed) > share / 4 * 3
    }

    /// Waits for the thread that made the last table.
    pub fn end(&self) {
        self.waiting.fetch_add(1, Relaxed);
        let thread = self.state.lock().thread.take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl State {
    fn check(&self) -> Result<(), StoreError> {
        self.failed.clone().map_or(Ok(()), |why| Err(StoreError::Table(why)))
    }
}

impl Core {
    /// Makes a table of what is committed, and waits for it.
    pub(super) fn flush(self: &Arc<Self>) -> Result<Option<Applied>, StoreError> {
        // Not while the writer stands still.
        self.tables.wait()?;
        let writing = self.writing.lock();
        let applied = self.freeze(&writing)?;
        drop(writing);
        self.tables.wait()?;
        Ok(applied)
    }

    /// Begins a table of what is committed: now or, while another one is being made, at the first commit after that.
    pub(super) fn flush_in_background(self: &Arc<Self>) -> Result<(), StoreError> {
        let writing = self.writing.lock();
        let mut state = self.tables.state.lock();
        if state.making {
            state.wanted = true;
            return state.check();
        }
        drop(state);
        self.freeze(&writing).map(drop)
    }

    /// After a commit: begins a table if the rows in memory are many; waits if they are too many. `writing` is held, so the
    /// writer goes no further.
    pub(super) fn make_room(self: &Arc<Self>, bytes: usize, writing: &MutexGuard<'_, ()>) -> Result<(), StoreError> {
        let share = self.share.bytes();
        self.tables.coming.store(bytes, Relaxed);
        let state = self.tables.state.lock();
        let wanted = bytes >= share || state.wanted;
        if wanted && (!state.making || bytes >= 2 * share) {
            drop(state);
            self.freeze(writing)?;
        }
        Ok(())
    }

    /// Gives the writer another buffer and makes a table of the one before, on a thread of its own. If one is being made it
    /// waits for that. Gives the place that the table will hold.
    fn freeze(self: &Arc<Self>, _writing: &MutexGuard<'_, ()>) -> Result<Option<Applied>, StoreError> {
        self.tables.wait()?;
        // Nothing is committed meanwhile: `writing` is held.
        let active = self.layers.read().active.clone();
        let committed = active.committed();
        let (applied, nothing) = (committed.applied, committed.is_empty());
        drop(committed);
        if nothing {
            return Ok(applied);
        }
        let (rows, hot) = std::mem::take(&mut *self.spare.lock());
        let (frozen, next) = (active.clone(), Arc::new(active.next(rows, hot)));
        let mut layers = self.layers.write();
        (layers.active, layers.frozen) = (next, Some(active));
        drop(layers);
        let mut state = self.tables.state.lock();
        (state.making, state.wanted) = (true, false);
        self.tables.coming.store(0, Relaxed);
        // As long as the one before took to come, the next one will: half of it is there.
        let before = state.begun.replace(Instant::now());
        state.rests = before.map_or(0.0, |before| pace::spreading(state.work, before.elapsed() / 2));
        let (core, earlier) = (self.clone(), state.thread.take());
        let make = move || {
            let made = catch_unwind(AssertUnwindSafe(|| core.make_table(&frozen)));
            let (made, cooled) = match made {
                Ok(Ok(cooled)) => (Ok(()), cooled),
                Ok(Err(why)) => (Err(why), Vec::new()),
                Err(_) => (Err("the thread that makes it has panicked".to_owned()), Vec::new()),
            };
            core.tables.made(made);
            core.reclaim(frozen, cooled);
            if let Some(earlier) = earlier {
                let _ = earlier.join();
            }
        };
        match std::thread::Builder::new().name("tables".to_owned()).spawn(make) {
            Ok(thread) => state.thread = Some(thread),
            Err(error) => (state.making, state.failed) = (false, Some(error.to_string())),
        }
        state.check().map(|()| applied)
    }

    /// Gives the hot rows that go.
    fn make_table(&self, frozen: &Buffer) -> Result<Vec<Arc<HotRows>>, String> {
        let contents = frozen.contents();
        for (_, name) in NEW_TABLES {
            let path = self.path.join(name);
            match std::fs::remove_file(&path) {
                // To write over it would write over what RocksDB has of it.
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(format!("{} is in the way: {error}", path.display()));
                }
                _ => {}
            }
        }
        let (written, work) = self.aside(|pace| (self.write_tables(&contents, pace), pace.worked()));
        self.tables.state.lock().work = work;
        let paths = written.map_err(rocksdb::Error::into_string)?;
        self.take_in(paths).map_err(rocksdb::Error::into_string)?;
        Ok(self.layers.write().cool(self.share.hot_rows()))
    }

    /// Runs something on a thread that takes the time that is left: whoever waits for an answer goes first. It may hold no
    /// lock that others wait for.
    fn aside<T: Send>(&self, run: impl FnOnce(&Pace<&dyn Fn() -> bool>) -> T + Send) -> T {
        let rests = self.tables.state.lock().rests;
        std::thread::scope(|scope| {
            let run = || {
                turns::give_way();
                run(&Pace::new(rests, &|| self.tables.is_urgent(self.share.bytes())))
            };
            scope.spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Takes the memory of what is in tables, unless a view looks into it for longer.
    fn reclaim(&self, frozen: Arc<Buffer>, cooled: Vec<Arc<HotRows>>) {
        if let Some(rows) = Arc::into_inner(frozen) {
            let memory = self.aside(|pace| rows.into_memory(|| pace.step()));
            self.spare.lock().0 = memory;
        }
        for rows in cooled.into_iter().filter_map(Arc::into_inner) {
            let memory = self.aside(|pace| rows.into_memory(|| pace.step()));
            self.spare.lock().1 = memory;
        }
    }

    /// Through the page cache: RocksDB's writer of single tables knows no other way.
    fn write_tables(
        &self,
        contents: &Contents<'_>,
        pace: &Pace<impl Fn() -> bool>,
    ) -> Result<Vec<PathBuf>, rocksdb::Error> {
        let (newest, mut scratch) = (self.newest_body()?, Scratch::new());
        let band = |key: &Key| Band::of(key.as_slice(), newest.as_deref());
        let rest = || pace.step();
        let (mut rows, mut written) = (contents.sorted(rest).inspect(|_| rest()).peekable(), Vec::new());
        for (of, name) in NEW_TABLES {
            let applied = contents.applied().filter(|_| of == Band::Before);
            if applied.is_none() && rows.peek().is_none_or(|(key, _)| band(key) != of) {
                continue;
            }
            let (path, mut table) = (self.path.join(name), SstFileWriter::create(&self.options));
            table.open(&path)?;
            if let Some(applied) = applied {
                table.put(applied::KEY, applied.encode())?;
            }
            while let Some((key, cell)) = rows.next_if(|(key, _)| band(key) == of) {
                match cell {
                    Some(cell) => table.put(key.as_slice(), cell.value(&mut scratch))?,
                    None => table.delete(key.as_slice())?,
                }
            }
            table.finish()?;
            written.push(path);
        }
        Ok(written)
    }

    /// The key of the last body that is in a table.
    fn newest_body(&self) -> Result<Option<Vec<u8>>, rocksdb::Error> {
        let mut rows = self.db.raw_iterator();
        rows.seek_for_prev([Table::Message as u8 + 1]);
        rows.status()?;
        Ok(rows.key().filter(|key| key.first() == Some(&(Table::Message as u8))).map(<[u8]>::to_vec))
    }

    /// All of them or none.
    fn take_in(&self, paths: Vec<PathBuf>) -> Result<(), rocksdb::Error> {
        let number = |property: &str| self.db.property_int_value(property).map(Option::unwrap_or_default);
        // Compactions that have failed never come nearer; RocksDB then says why.
        while number("rocksdb.is-write-stopped")? > 0 && number("rocksdb.background-errors")? == 0 {
            std::thread::sleep(BEHIND);
        }
        self.tables.behind.store(number("rocksdb.num-files-at-level0")? > IN_TIME, Relaxed);
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        self.db.ingest_external_file_opts(&options, paths)?;
        expiry::tell(&*self.expiry, &self.db);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: usize = 1_000;

    #[test]
    fn a_table_is_urgent_when_the_next_one_is_nearly_there() {
        let tables = Tables::default();
        assert!(!tables.is_urgent(SHARE));
        tables.coming.store(SHARE / 2, Relaxed);
        assert!(!tables.is_urgent(SHARE));
        tables.coming.store(SHARE - 1, Relaxed);
        assert!(tables.is_urgent(SHARE));
    }

    #[test]
    fn a_table_is_urgent_while_somebody_waits_for_it() {
        let tables = Tables::default();
        tables.state.lock().making = true;
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| tables.wait());
            while !tables.is_urgent(SHARE) {
                std::thread::yield_now();
            }
            tables.made(Ok(()));
            waits.join().unwrap().unwrap();
        });
        assert!(!tables.is_urgent(SHARE));
    }
}
