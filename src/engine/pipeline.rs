//! Folding one batch while the one before is written.
//!
//! ```text
//! fold thread     fold 1 ──► fold 2 ─────► fold 3 ─────►        reads: its own changes, then those under way,
//!                       ╲          ╲             ╲                     then the hot rows in memory, then the store
//! commit thread          ► write 1, tell ► write 2, tell ►      one batch at a time, in order
//! ```

use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender};

use super::CachedRows;
use crate::domain::rows::{Cell, Changes, Direction, KeyRange, Overlay, Rows, RowsError, Visited};
use crate::limits;
use crate::store::{Applied, Store, StoreError};

/// How a batch gets into the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writing {
    /// [`Store::commit`]: cheap for small batches; what was not flushed is folded again after a crash.
    Batches,
    /// [`Store::ingest`]: a table a batch, for large batches.
    Tables,
}

/// The one writer of a store. Batches of it are committed in order on a thread of its own; `T` goes with each batch to
/// whoever is told after its commit.
pub struct Pipeline<T> {
    rows: CachedRows<Store>,
    /// What was handed over last: the store may not have it yet.
    under_way: Option<Arc<Changes>>,
    batches: Option<Sender<Batch<T>>>,
    done: Receiver<Result<(), StoreError>>,
    thread: Option<JoinHandle<()>>,
}

struct Batch<T> {
    changes: Arc<Changes>,
    applied: Applied,
    then: T,
}

impl<T: Send + 'static> Pipeline<T> {
    /// Starts the thread. `committed` runs on it, after each commit.
    ///
    /// # Panics
    /// If the system cannot start a thread.
    pub fn new(store: Store, writing: Writing, mut committed: impl FnMut(Applied, T) + Send + 'static) -> Self {
        let rows = CachedRows::new(store.clone(), limits::ROW_CACHE);
        let (batches, waiting) = crossbeam_channel::bounded::<Batch<T>>(0);
        let (tell, done) = crossbeam_channel::bounded(1);
        let run = move || {
            for Batch { changes, applied, then } in &waiting {
                let written = match writing {
                    Writing::Batches => store.commit(&changes, applied),
                    Writing::Tables => store.ingest(&changes, applied),
                };
                if written.is_ok() {
                    committed(applied, then);
                }
                if tell.send(written).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("commit".to_owned()).spawn(run);
        let thread = Some(thread.expect("the system can start the threads of a partition"));
        Self { rows, under_way: None, batches: Some(batches), done, thread }
    }

    /// The hot rows for another thread.
    pub fn reader(&self) -> CachedRows<Store> {
        self.rows.reader()
    }

    /// Hands a batch over; waits for the one before.
    ///
    /// # Errors
    /// If the one before could not be written: then this one is not either, and the writer has to stop.
    pub fn commit(&mut self, changes: Changes, applied: Applied, then: T) -> Result<(), StoreError> {
        self.settle()?;
        self.rows.folded(&changes);
        let changes = Arc::new(changes);
        self.under_way = Some(changes.clone());
        let handed =
            self.batches.as_ref().is_some_and(|batches| batches.send(Batch { changes, applied, then }).is_ok());
        assert!(handed, "the commit thread ends only after its last batch");
        Ok(())
    }

    /// Waits until the store has everything.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        if self.under_way.is_none() {
            return Ok(());
        }
        let written = self.done.recv().unwrap_or(Err(StoreError::Stopped));
        if written.is_ok() {
            self.under_way = None;
        }
        written
    }
}

/// The rows as the last batch leaves them, committed or not.
impl<T> Rows for Pipeline<T> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        match &self.under_way {
            Some(changes) => Overlay::over(&self.rows, changes.as_ref()).get(key),
            None => self.rows.get(key),
        }
    }

    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        match &self.under_way {
            Some(changes) => Overlay::over(&self.rows, changes.as_ref()).cell(key),
            None => self.rows.cell(key),
        }
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
    ) -> Result<(), RowsError> {
        match &self.under_way {
            Some(changes) => Overlay::over(&self.rows, changes.as_ref()).scan(range, direction, visit),
            None => self.rows.scan(range, direction, visit),
        }
    }
}

impl<T> Drop for Pipeline<T> {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
