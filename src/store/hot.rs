use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::domain::rows::{Cell, Key, Table};

/// Bytes of hot rows that one store keeps in memory, beside those that are in no table yet.
const BYTES: u64 = 64 << 20;

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
    pub fn new() -> Self {
        const EXPECTED_ROW: u64 = 256;
        Self(Cache::with_weighter((BYTES / EXPECTED_ROW) as usize, BYTES, Weigh))
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
