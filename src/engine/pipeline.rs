//! Folding one batch while the one before is written.
//!
//! ```text
//! fold thread     fold 1 ──► fold 2 ─────► fold 3 ─────►        reads: its own changes, then those under way,
//!                       ╲          ╲             ╲                     then the hot rows in memory, then the store
//! commit thread          ► write 1, tell ► write 2, tell ►      one batch at a time, in order
//! ```
//!
//! A small batch is written by the thread that folded it: while it is handed over that one would have done it.

use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;

use super::CachedRows;
use crate::domain::rows::{Cell, Changes, Direction, KeyRange, Overlay, Rows, RowsError, Visited};
use crate::limits;
use crate::store::{Applied, Store, StoreError};

/// How a batch gets into the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writing {
    /// [`Store::commit`]: cheap for small batches; what was not flushed is folded again after a crash. A batch of very many
    /// rows, as of a partition that catches up, becomes a table all the same.
    Batches,
    /// [`Store::ingest`]: a table a batch, for large batches, each durable when it is written.
    Tables,
}

/// The one writer of a store. Batches of it are committed in order, large ones on a thread of its own; `T` goes with each
/// batch to whoever is told after its commit.
pub struct Pipeline<T> {
    rows: CachedRows<Store>,
    /// What was handed over last: the store may not have it yet.
    under_way: Option<Arc<Changes>>,
    /// The memory of the batch before, for the next one.
    spare: Changes,
    writer: Arc<Mutex<Writer<T>>>,
    batches: Option<Sender<Batch<T>>>,
    done: Receiver<Result<(), StoreError>>,
    thread: Option<JoinHandle<()>>,
}

struct Batch<T> {
    changes: Arc<Changes>,
    applied: Applied,
    then: T,
}

/// Writes batches, on whichever thread, and tells of them.
struct Writer<T> {
    store: Store,
    writing: Writing,
    committed: Box<dyn FnMut(Applied, T) + Send>,
}

impl<T> Writer<T> {
    fn write(&mut self, Batch { changes, applied, then }: Batch<T>) -> Result<(), StoreError> {
        match self.writing {
            Writing::Batches if changes.len() < limits::TABLE_ROWS => self.store.commit(&changes, applied)?,
            Writing::Batches | Writing::Tables => self.store.ingest(&changes, applied)?,
        }
        drop(changes);
        (self.committed)(applied, then);
        Ok(())
    }
}

impl<T: Send + 'static> Pipeline<T> {
    /// Starts the thread. `committed` runs after each commit, on the thread that made it.
    ///
    /// # Panics
    /// If the system cannot start a thread.
    pub fn new(store: Store, writing: Writing, committed: impl FnMut(Applied, T) + Send + 'static) -> Self {
        let rows = CachedRows::new(store.clone(), limits::ROW_CACHE);
        let writer = Arc::new(Mutex::new(Writer { store, writing, committed: Box::new(committed) }));
        let (batches, waiting) = crossbeam_channel::bounded::<Batch<T>>(1);
        let (tell, done) = crossbeam_channel::bounded(1);
        let handed_over = writer.clone();
        let run = move || {
            for batch in &waiting {
                let written = handed_over.lock().write(batch);
                if tell.send(written).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("commit".to_owned()).spawn(run);
        let thread = Some(thread.expect("the system can start the threads of a partition"));
        Self { rows, under_way: None, spare: Changes::default(), writer, batches: Some(batches), done, thread }
    }

    /// The hot rows for another thread.
    pub fn reader(&self) -> CachedRows<Store> {
        self.rows.reader()
    }

    /// Changes without any, to fold the next batch into: with the memory of an earlier one.
    pub fn spare(&mut self) -> Changes {
        std::mem::take(&mut self.spare)
    }

    /// Waits for the batch before, and hands this one over; a small one is written when this returns.
    ///
    /// # Errors
    /// If one of the two could not be written: the writer has to stop. After the one before, this one is not tried.
    pub fn commit(&mut self, changes: Changes, applied: Applied, then: T) -> Result<(), StoreError> {
        self.settle()?;
        self.rows.folded(&changes);
        let small = changes.len() < limits::HANDED_OVER_ROWS;
        let changes = Arc::new(changes);
        if small {
            self.writer.lock().write(Batch { changes: changes.clone(), applied, then })?;
            self.keep_memory(changes);
            return Ok(());
        }
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
        self.done.recv().unwrap_or(Err(StoreError::Stopped))?;
        if let Some(written) = self.under_way.take() {
            self.keep_memory(written);
        }
        Ok(())
    }

    fn keep_memory(&mut self, written: Arc<Changes>) {
        if let Some(mut written) = Arc::into_inner(written) {
            written.clear();
            self.spare = written;
        }
    }
}

/// The rows as the last batch leaves them, committed or not.
impl<T> Rows for Pipeline<T> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        Ok(self.cell(key)?.as_ref().map(Cell::bytes))
    }

    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        if let Some(hot) = self.rows.in_memory(key) {
            return Ok(hot);
        }
        match self.under_way.as_ref().and_then(|changes| changes.get(key)) {
            Some(change) => Ok(change.clone()),
            None => self.rows.from_below(key),
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

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;
    use crate::domain::rows::{AccountRow, IdempotencyRow, Key, Pointer, Row, Window, get};
    use crate::store::{KeepAll, Shared, SharedSizes};

    const SIZES: SharedSizes = SharedSizes { block_cache: 8 << 20, write_buffers: 8 << 20, threads: 1 };

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::open(folder.path(), &Shared::new(SIZES).unwrap(), Arc::new(KeepAll)).unwrap()
    }

    fn at(next: u64) -> Applied {
        Applied { next, checksum: next }
    }

    /// A hot row and one that is read from the store, both with a number.
    fn rows(number: u64) -> (AccountRow, IdempotencyRow) {
        let hot = AccountRow { sequence: number, ..AccountRow::default() };
        let pointer = Pointer { generation: 0, partition: 0, offset: number };
        let window = Window::Client;
        let cold = IdempotencyRow { record_time: 1, window, pointer, message_time: 1, msg_seq: 0, sequence: number };
        (hot, cold)
    }

    fn keys() -> (Key, Key) {
        let account = duolog_topics::Account::new("alice").unwrap();
        (AccountRow::key(&account), IdempotencyRow::key(&account, 7))
    }

    fn changes(number: u64) -> Changes {
        let ((hot, cold), (hot_key, cold_key)) = (rows(number), keys());
        [(hot_key, Some(hot.cell())), (cold_key, Some(cold.cell()))].into_iter().collect()
    }

    /// The same, and so many rows beside that they are handed over.
    fn many_changes(number: u64) -> Changes {
        let (_, cold) = rows(number);
        let other = duolog_topics::Account::new("bob").unwrap();
        let mut changes = changes(number);
        for hash in 0..limits::HANDED_OVER_ROWS as u128 {
            changes.set(IdempotencyRow::key(&other, hash), Some(cold.cell()));
        }
        changes
    }

    #[test]
    fn very_many_rows_become_a_table_and_outlive_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let mut pipeline = Pipeline::new(store.clone(), Writing::Batches, |_, ()| {});
        let (other, (_, cold)) = (duolog_topics::Account::new("bob").unwrap(), rows(3));
        let row = |hash: usize| (IdempotencyRow::key(&other, hash as u128), Some(cold.cell()));
        pipeline.commit(changes(1), at(1), ()).unwrap();
        pipeline.commit((0..limits::TABLE_ROWS).map(row).collect(), at(2), ()).unwrap();
        pipeline.settle().unwrap();
        let after_a_crash = Store::open_read_only(store.path()).unwrap();
        assert_eq!(after_a_crash.applied().unwrap(), Some(at(2)));
        assert_eq!(found(&after_a_crash), (1, 1), "what was committed before it is durable with it");
        assert!(after_a_crash.get(row(limits::TABLE_ROWS - 1).0.as_slice()).unwrap().is_some());
    }

    fn found(rows: &dyn Rows) -> (u64, u64) {
        let (hot, cold) = keys();
        let hot: AccountRow = get(rows, hot.as_slice()).unwrap().unwrap();
        let cold: IdempotencyRow = get(rows, cold.as_slice()).unwrap().unwrap();
        (hot.sequence, cold.sequence)
    }

    #[test]
    fn rows_are_read_as_folded_while_they_are_written() {
        for writing in [Writing::Batches, Writing::Tables] {
            let folder = tempfile::tempdir().unwrap();
            let store = store(&folder);
            let (go_on, wait) = bounded(0);
            let (tell, told) = bounded(8);
            let mut pipeline = Pipeline::new(store.clone(), writing, move |applied: Applied, name: &str| {
                tell.send((applied.next, name)).unwrap();
                wait.recv().unwrap();
            });
            pipeline.commit(many_changes(1), at(1), "first").unwrap();
            assert_eq!(found(&pipeline), (1, 1));
            go_on.send(()).unwrap();
            pipeline.commit(many_changes(2), at(2), "second").unwrap();
            assert_eq!(found(&pipeline), (2, 2));
            assert_eq!(told.recv(), Ok((1, "first")));
            assert_eq!(told.recv(), Ok((2, "second")), "in order, after its commit");
            assert_eq!(store.applied(), Some(at(2)));
            go_on.send(()).unwrap();
            pipeline.settle().unwrap();
            assert_eq!((found(&pipeline), found(&store)), ((2, 2), (2, 2)));
        }
    }

    #[test]
    fn few_rows_are_written_at_once_and_behind_those_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let (tell, told) = bounded(8);
        let mut pipeline = Pipeline::new(store.clone(), Writing::Batches, move |applied: Applied, ()| {
            tell.send((applied.next, std::thread::current().id())).unwrap();
        });
        pipeline.commit(many_changes(1), at(1), ()).unwrap();
        pipeline.commit(changes(2), at(2), ()).unwrap();
        assert_eq!((store.applied(), found(&store)), (Some(at(2)), (2, 2)));
        let (here, told) = (std::thread::current().id(), [told.recv().unwrap(), told.recv().unwrap()]);
        assert_eq!(told.map(|(next, thread)| (next, thread == here)), [(1, false), (2, true)]);
    }

    #[test]
    fn a_reader_sees_hot_rows_and_leaves_none_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        store.commit(&changes(1), at(1)).unwrap();
        let mut pipeline = Pipeline::new(store, Writing::Batches, |_, ()| {});
        let reader = pipeline.reader();
        assert_eq!(found(&reader), (1, 1), "from the store");
        pipeline.commit(changes(2), at(2), ()).unwrap();
        pipeline.settle().unwrap();
        assert_eq!(found(&reader), (2, 2), "what the reader had read does not hide it");
    }
}
