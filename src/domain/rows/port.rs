use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use thiserror::Error;

use super::{Cell, HashedKey};

/// The rows below the fold could not be read: the disk failed or the store is damaged. Not a verdict: the partition stops.
#[derive(Debug, Clone, Error, serde::Serialize, serde::Deserialize)]
#[error("rows cannot be read: {0}")]
pub struct RowsError(pub String);

/// In which order a scan visits keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Forward,
    Backward,
}

/// The keys that a scan visits, in whatever direction.
#[derive(Clone, Copy, Debug)]
pub struct KeyRange<'a> {
    pub from: Bound<&'a [u8]>,
    pub until: Bound<&'a [u8]>,
}

/// What a visitor of rows says: go on, or end the scan with this result.
pub type Visited = ControlFlow<Result<(), RowsError>>;

/// Hears of keys and values, in order.
pub type Visitor<'v> = dyn FnMut(&[u8], &[u8]) -> Visited + 'v;

/// A consistent view of one partition's rows. The store's snapshot is one, the fold's overlay is one, a test's map is one.
pub trait Rows {
    /// # Errors
    /// If the row cannot be read.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError>;

    /// The same row, decoded already where these rows keep it so.
    ///
    /// # Errors
    /// If the row cannot be read or decoded.
    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        Ok(self.get(key)?.map(Cell::Encoded))
    }

    /// Several rows, decoded already where these rows keep them so, in the order of the keys. Costs less than to read one after
    /// the other, where these rows know how.
    ///
    /// # Errors
    /// If a row cannot be read or decoded.
    fn cells(&self, keys: &[&HashedKey]) -> Result<Vec<Option<Cell>>, RowsError> {
        keys.iter().map(|key| self.cell(key.as_slice())).collect()
    }

    /// Calls `visit` with each key and value in the range until it breaks.
    ///
    /// # Errors
    /// If a row cannot be read, or an error that `visit` broke with.
    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
    ) -> Result<(), RowsError>;
}
