use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::domain::rows::{Cell, Key, Table};

/// The newest rows of tables that nearly every record looks at: decoded, bounded, and with the absence of rows, because most
/// looks at relations find nothing.
///
/// Only rows that are in RocksDB and in no buffer are looked for here. Two put them in: whoever makes a buffer a table, before
/// the buffer goes, and the one writer, who knows that no newer version is under way. So none is ever too old.
pub(super) struct HotRows(Cache<Key, Option<Cell>, Weigh>);

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Option<Cell>> for Weigh {
    fn weight(&self, key: &Key, cell: &Option<Cell>) -> u64 {
        const OVERHEAD: usize = 96;
        (key.as_slice().len() + cell.as_ref().map_or(0, Cell::size) + OVERHEAD) as u64
    }
}

impl HotRows {
    /// `bytes`: what they take at most, about.
    pub fn new(bytes: usize) -> Self {
        const EXPECTED_ROW: usize = 256;
        Self(Cache::with_weighter(bytes / EXPECTED_ROW, bytes as u64, Weigh))
    }

    /// The table of a key, if its rows belong here.
    pub fn table(key: &[u8]) -> Option<Table> {
        use Table::{Account, Conversation, Meta, Position, Relation};
        let table = key.first().and_then(|byte| Table::from_byte(*byte))?;
        matches!(table, Meta | Account | Conversation | Relation | Position).then_some(table)
    }

    /// The row if it is here, its absence too.
    pub fn get(&self, key: &[u8]) -> Option<Option<Cell>> {
        self.0.get(key)
    }

    pub fn put(&self, key: Key, cell: Option<Cell>) {
        self.0.insert(key, cell);
    }
}
