use bytes::Bytes;

use super::{Applied, Store, StoreError, applied};
use crate::domain::rows::{Cell, Changes, Direction, HashedKey, Key, KeyRange, Rows, RowsError, Visited};

/// Who commits to a store. It reads what it has committed, and keeps hot rows that it read in memory.
pub struct Writer {
    store: Store,
}

impl Writer {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Commits rows and the place that they hold as one, and leaves `changes` empty, with their memory. Readers see all of it
    /// or nothing; a crash leaves all of it or nothing. Costs a look-up in a map a row; it waits only when rows come in faster
    /// than tables are written.
    ///
    /// # Errors
    /// If a table could not be written. The partition has to stop.
    ///
    /// # Panics
    /// If the place goes back, or a key is the store's own: the fold is broken, and nothing of it may be kept.
    pub fn commit(&mut self, changes: &mut Changes, applied: Applied) -> Result<(), StoreError> {
        let core = &self.store.core;
        let writing = core.writing.lock();
        core.tables.check()?;
        let active = core.layers.read().active.clone();
        if let Some(before) = active.committed().applied {
            assert!(applied.next >= before.next, "the store is at {}, a commit says {}", before.next, applied.next);
        }
        let bytes = active.commit(changes, applied, || core.viewed.now());
        drop(active);
        core.make_room(bytes, &writing)
    }

    /// The store for other readers.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// No row may have a key of the store's own.
pub(super) fn assert_row(key: &Key) {
    let key = key.as_slice();
    assert!(key.first().is_some_and(|byte| *byte != applied::RESERVED), "the key {key:?} is no row's");
}

impl Rows for Writer {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        Ok(self.cell(key)?.as_ref().map(Cell::bytes))
    }

    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        self.store.core.newest(key)
    }

    fn cells(&self, keys: &[&HashedKey]) -> Result<Vec<Option<Cell>>, RowsError> {
        self.store.core.newest_of(keys)
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
    ) -> Result<(), RowsError> {
        self.store.scan(range, direction, visit)
    }
}
