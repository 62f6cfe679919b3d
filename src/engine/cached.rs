use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::domain::rows::{Cell, Changes, Direction, Key, KeyRange, Rows, RowsError, Table, Visited};

/// Rows with the hot tables in memory: decoded, bounded, and with the absence of rows, because most looks at relations
/// find nothing.
///
/// One thread, the fold's, puts rows in: what it folded, and what it read. Others may look ([`CachedRows::reader`]).
pub struct CachedRows<R> {
    rows: R,
    cache: Arc<Cache<Key, Option<Cell>, Weigh>>,
    fills: bool,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Option<Cell>> for Weigh {
    fn weight(&self, key: &Key, cell: &Option<Cell>) -> u64 {
        const OVERHEAD: usize = 96;
        (key.as_slice().len() + cell.as_ref().map_or(0, Cell::size) + OVERHEAD) as u64
    }
}

/// The table of a key, if most records look at it again.
fn hot(key: &[u8]) -> Option<Table> {
    key.first().and_then(|byte| Table::from_byte(*byte)).filter(|table| is_hot(*table))
}

fn is_hot(table: Table) -> bool {
    matches!(table, Table::Meta | Table::Account | Table::Conversation | Table::Relation | Table::Position)
}

impl<R: Rows> CachedRows<R> {
    /// A cache of at most `bytes` over rows.
    pub fn new(rows: R, bytes: u64) -> Self {
        const EXPECTED_ROW: u64 = 256;
        let items = (bytes / EXPECTED_ROW) as usize;
        Self { rows, cache: Arc::new(Cache::with_weighter(items, bytes, Weigh)), fills: true }
    }

    /// The same rows for another thread. It puts nothing in: a row that it read may be older than the fold's.
    pub fn reader(&self) -> Self
    where
        R: Clone,
    {
        Self { rows: self.rows.clone(), cache: self.cache.clone(), fills: false }
    }

    /// The row if it is in memory, its absence too.
    pub fn in_memory(&self, key: &[u8]) -> Option<Option<Cell>> {
        hot(key).and_then(|_| self.cache.get(key))
    }

    /// The row from the rows below, and from now on from memory if it is hot.
    ///
    /// # Errors
    /// If it cannot be read or decoded.
    pub fn from_below(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        let Some(table) = hot(key) else {
            return self.rows.cell(key);
        };
        let cell = self.rows.cell(key)?.map(|cell| cell.decoded(table)).transpose()?;
        if self.fills {
            self.cache.insert(Key::from(key), cell.clone());
        }
        Ok(cell)
    }

    /// Takes over what was just folded. Until it is committed, its other rows are the caller's to remember.
    pub fn folded(&self, changes: &Changes) {
        for (key, cell) in changes.of(is_hot) {
            self.cache.insert(key.clone(), cell.clone());
        }
    }
}

impl<R: Rows> Rows for CachedRows<R> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        match hot(key) {
            Some(_) => Ok(self.cell(key)?.as_ref().map(Cell::bytes)),
            None => self.rows.get(key),
        }
    }

    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        self.in_memory(key).map_or_else(|| self.from_below(key), Ok)
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
    ) -> Result<(), RowsError> {
        self.rows.scan(range, direction, visit)
    }
}
