//! Committed rows become tables of RocksDB, one buffer at a time, on a thread that gives way to whoever waits for an answer.
//!
//! ```text
//! active ──(full, or a flush)──► frozen ──► sorted ──► table file ──► in RocksDB ──► its hot rows stay in memory ──► gone
//!                                  readers look into it until here ────────────────────────────────────────────────▲
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rocksdb::{IngestExternalFileOptions, SstFileWriter};

use super::buffer::{Buffer, Committed};
use super::hot::HotRows;
use super::{Applied, Core, StoreError, applied};
use crate::domain::rows::Scratch;

/// The table that is made at the moment. A crash may leave it behind, as another name of a file that RocksDB has taken in.
const NEW_TABLE: &str = "ingest.sst";
/// How long a table waits, again and again, while compactions are too far behind.
const BEHIND: Duration = Duration::from_millis(10);

/// Whether a table is being made, and whether one could not be.
#[derive(Default)]
pub(super) struct Tables {
    state: Mutex<State>,
    made: Condvar,
}

#[derive(Default)]
struct State {
    /// A flush was asked for while the one before was not done.
    wanted: bool,
    making: bool,
    failed: Option<String>,
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
        while state.making {
            self.made.wait(&mut state);
        }
        state.check()
    }

    fn made(&self, made: Result<(), String>) {
        let mut state = self.state.lock();
        state.making = false;
        state.failed = made.err();
        self.made.notify_all();
    }

    /// Waits for the thread that made the last table.
    pub fn end(&self) {
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
        let mut layers = self.layers.write();
        let committed = layers.active.committed();
        let (sequence, applied, nothing) = (committed.sequence, committed.applied, committed.is_empty());
        drop(committed);
        if nothing {
            return Ok(applied);
        }
        let memory = self.spare.lock().take().unwrap_or_default();
        let frozen = std::mem::replace(&mut layers.active, Arc::new(Buffer::after(sequence, applied, memory)));
        layers.frozen = Some(frozen.clone());
        drop(layers);
        let mut state = self.tables.state.lock();
        (state.making, state.wanted) = (true, false);
        let (core, earlier) = (self.clone(), state.thread.take());
        let make = move || {
            let made = catch_unwind(AssertUnwindSafe(|| core.make_table(&frozen)));
            core.tables.made(made.unwrap_or_else(|_| Err("the thread that makes it has panicked".to_owned())));
            // A view may look into it for longer.
            if let Some(frozen) = Arc::into_inner(frozen) {
                *core.spare.lock() = Some(aside(|| frozen.into_memory()));
            }
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

    fn make_table(&self, frozen: &Buffer) -> Result<(), String> {
        let committed = frozen.committed();
        let path = self.path.join(NEW_TABLE);
        match std::fs::remove_file(&path) {
            // To write over it would write over what RocksDB has of it.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{} is in the way: {error}", path.display()));
            }
            _ => {}
        }
        aside(|| self.write_table(&path, &committed)).map_err(rocksdb::Error::into_string)?;
        self.take_in(path).map_err(rocksdb::Error::into_string)?;
        for (key, cell) in committed.iter().filter(|(key, _)| HotRows::table(key.as_slice()).is_some()) {
            self.hot.put(key.clone(), cell.clone());
        }
        self.layers.write().frozen = None;
        Ok(())
    }

    /// Through the page cache: RocksDB's writer of single tables knows no other way.
    fn write_table(&self, path: &Path, committed: &Committed) -> Result<(), rocksdb::Error> {
        let (mut table, mut scratch) = (SstFileWriter::create(&self.options), Scratch::new());
        table.open(path)?;
        if let Some(applied) = committed.applied {
            table.put(applied::KEY, applied.encode())?;
        }
        for (key, cell) in committed.sorted() {
            match cell {
                Some(cell) => table.put(key.as_slice(), cell.value(&mut scratch))?,
                None => table.delete(key.as_slice())?,
            }
        }
        table.finish()
    }

    fn take_in(&self, path: PathBuf) -> Result<(), rocksdb::Error> {
        let number = |property: &str| self.db.property_int_value(property).map(Option::unwrap_or_default);
        // Compactions that have failed never come nearer; RocksDB then says why.
        while number("rocksdb.is-write-stopped")? > 0 && number("rocksdb.background-errors")? == 0 {
            std::thread::sleep(BEHIND);
        }
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        self.db.ingest_external_file_opts(&options, vec![path])
    }
}

/// Runs something on a thread that takes the time that is left: whoever waits for an answer goes first. It may hold no
/// lock that others wait for.
fn aside<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let run = || {
            give_way();
            run()
        };
        scope.spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(target_os = "linux")]
fn give_way() {
    const LOWEST: i32 = 19;
    // It means the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
        tracing::debug!("a table is written as if it were urgent: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}
