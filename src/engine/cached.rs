use std::cell::RefCell;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use crate::domain::rows::{Changes, Direction, KeyRange, Rows, RowsError, Table, Visited};

/// The committed rows as the fold reads them: the hot tables through a bounded cache.
///
/// Only the fold's thread reads and changes it, so what it caches is what is committed. It also remembers that a row is
/// absent: most looks at relations find nothing.
pub struct CachedRows<R> {
    rows: R,
    cache: RefCell<Cache<Bytes, Option<Bytes>, Weigh>>,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Bytes, Option<Bytes>> for Weigh {
    fn weight(&self, key: &Bytes, value: &Option<Bytes>) -> u64 {
        const OVERHEAD: usize = 96;
        (key.len() + value.as_ref().map_or(0, Bytes::len) + OVERHEAD) as u64
    }
}

/// The tables that most records look at again.
fn is_hot(key: &[u8]) -> bool {
    let table = key.first().and_then(|byte| Table::from_byte(*byte));
    matches!(table, Some(Table::Meta | Table::Account | Table::Conversation | Table::Relation | Table::Position))
}

impl<R: Rows> CachedRows<R> {
    /// A cache of at most `bytes` over rows.
    pub fn new(rows: R, bytes: u64) -> Self {
        const EXPECTED_ROW: u64 = 256;
        let items = (bytes / EXPECTED_ROW) as usize;
        Self { rows, cache: RefCell::new(Cache::with_weighter(items, bytes, Weigh)) }
    }

    /// Takes over what was just committed.
    pub fn committed(&self, changes: &Changes) {
        let mut cache = self.cache.borrow_mut();
        for (key, value) in changes.iter().filter(|(key, _)| is_hot(key)) {
            cache.insert(key.clone(), value.clone());
        }
    }
}

impl<R: Rows> Rows for CachedRows<R> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        if !is_hot(key) {
            return self.rows.get(key);
        }
        if let Some(value) = self.cache.borrow().get(key) {
            return Ok(value.clone());
        }
        let value = self.rows.get(key)?;
        self.cache.borrow_mut().insert(Bytes::copy_from_slice(key), value.clone());
        Ok(value)
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
