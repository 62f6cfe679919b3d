use std::{
    ops::{Bound, ControlFlow},
    sync::Arc,
};

use bytes::Bytes;
use rocksdb::{DB, ReadOptions, SnapshotWithThreadMode};

use super::buffer::{Buffer, Viewing};
use super::{Applied, Core, applied};
use crate::domain::rows::{Cell, Direction, KeyRange, Rows, RowsError, Visited, Visitor, scan_merged};

/// A consistent view of a store: all rows as one commit left them, however many follow. It keeps the store's RocksDB
/// open until it is dropped.
pub struct View {
    /// For [`Rows::get`]; holds the snapshot's address, so it goes before it.
    options: ReadOptions,
    /// Borrows from `db`, so it goes before it.
    snapshot: SnapshotWithThreadMode<'static, DB>,
    db: Arc<DB>,
    /// What was in no table yet; for a tool, nothing.
    memory: Option<InMemory>,
}

/// The part of a view that is in no table.
struct InMemory {
    /// Newer rows first.
    buffers: Vec<Arc<Buffer>>,
    viewing: Viewing,
    applied: Option<Applied>,
}

impl View {
    pub(super) fn new(core: &Core) -> Self {
        let layers = core.layers.read();
        // Nothing is committed, and no table takes the place of a buffer, before the view knows what it looks at.
        let committed = layers.active.committed();
        let buffers = std::iter::once(&layers.active).chain(&layers.frozen).cloned().collect();
        let viewing = core.viewed.view(committed.sequence);
        Self {
            memory: Some(InMemory { buffers, viewing, applied: committed.applied }),
            ..Self::of_tables(core.db.clone())
        }
    }

    /// Of what is in tables.
    pub(super) fn of_tables(db: Arc<DB>) -> Self {
        // SAFETY: the reference is to what the `Arc` beside it holds, which neither moves nor goes before the snapshot:
        // fields are dropped in the order in which they are declared. Nothing gives the reference away.
        let borrowed: &'static DB = unsafe { &*Arc::as_ptr(&db) };
        let snapshot = borrowed.snapshot();
        let mut options = ReadOptions::default();
        options.set_snapshot(&snapshot);
        Self { options, snapshot, db, memory: None }
    }

    /// The place in the log whose rows these are; none in an empty store.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn applied(&self) -> Result<Option<Applied>, RowsError> {
        if let Some(memory) = &self.memory {
            return Ok(memory.applied);
        }
        let row = self.db.get_pinned_opt(applied::KEY, &self.options).map_err(unreadable)?;
        let Some(row) = row else { return Ok(None) };
        let damaged = || RowsError(format!("the row that says how far the state has come has {} bytes", row.len()));
        Applied::decode(&row).ok_or_else(damaged).map(Some)
    }
}

impl InMemory {
    fn get(&self, key: &[u8]) -> Option<Option<Cell>> {
        self.buffers.iter().find_map(|buffer| buffer.get(key, self.viewing.sequence()))
    }
}

impl Rows for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        Ok(self.cell(key)?.as_ref().map(Cell::bytes))
    }

    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        if let Some(cell) = self.memory.as_ref().and_then(|memory| memory.get(key)) {
            return Ok(cell);
        }
        let row = self.db.get_pinned_opt(key, &self.options).map_err(unreadable)?;
        Ok(row.map(|row| Cell::from(Bytes::copy_from_slice(&row))))
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
    ) -> Result<(), RowsError> {
        let Some(InMemory { buffers, viewing, .. }) = &self.memory else {
            return self.scan_tables(range, direction, visit);
        };
        self.scan_over(buffers, viewing.sequence(), range, direction, visit)
    }
}

impl View {
    /// The rows of these buffers over those in tables.
    fn scan_over(
        &self,
        buffers: &[Arc<Buffer>],
        sequence: u64,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut Visitor<'_>,
    ) -> Result<(), RowsError> {
        let Some((newest, older)) = buffers.split_first() else { return self.scan_tables(range, direction, visit) };
        let below = &mut |visit: &mut Visitor<'_>| self.scan_over(older, sequence, range, direction, visit);
        scan_merged(newest.range(range, direction, sequence), direction, below, visit)
    }

    fn scan_tables(&self, range: KeyRange<'_>, direction: Direction, visit: &mut Visitor<'_>) -> Result<(), RowsError> {
        let mut options = ReadOptions::default();
        options.set_snapshot(&self.snapshot);
        scan(&self.db, options, range, direction, visit)
    }
}

fn scan(
    db: &DB,
    mut options: ReadOptions,
    range: KeyRange<'_>,
    direction: Direction,
    visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
) -> Result<(), RowsError> {
    let from = at_or_after(range.from).unwrap_or_default().max(vec![applied::RESERVED + 1]);
    let below = below(range.until);
    if below.as_ref().is_some_and(|below| *below <= from) {
        return Ok(());
    }
    options.set_iterate_lower_bound(from);
    if let Some(below) = below {
        options.set_iterate_upper_bound(below);
    }
    let mut rows = db.raw_iterator_opt(options);
    match direction {
        Direction::Forward => rows.seek_to_first(),
        Direction::Backward => rows.seek_to_last(),
    }
    while let Some((key, value)) = rows.item() {
        if let ControlFlow::Break(result) = visit(key, value) {
            return result;
        }
        match direction {
            Direction::Forward => rows.next(),
            Direction::Backward => rows.prev(),
        }
    }
    rows.status().map_err(unreadable)
}

/// The lowest key that a scan from here visits, as RocksDB takes it: inclusive.
fn at_or_after(from: Bound<&[u8]>) -> Option<Vec<u8>> {
    match from {
        Bound::Included(key) => Some(key.to_vec()),
        Bound::Excluded(key) => Some(successor(key)),
        Bound::Unbounded => None,
    }
}

/// The lowest key that a scan until here does not visit, as RocksDB takes it: exclusive.
fn below(until: Bound<&[u8]>) -> Option<Vec<u8>> {
    match until {
        Bound::Included(key) => Some(successor(key)),
        Bound::Excluded(key) => Some(key.to_vec()),
        Bound::Unbounded => None,
    }
}

/// The key next to this one in the order of bytes: nothing lies between them.
fn successor(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

pub(super) fn unreadable(error: rocksdb::Error) -> RowsError {
    RowsError(error.into_string())
}
