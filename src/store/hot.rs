use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::versions::{Memory, VersionedRows};
use crate::domain::rows::{Cell, HashedKey, Table};

/// The rows of one buffer that are of the tables which nearly every record looks at. They stay in memory when the buffer has
/// become a table, as long as there is room for them.
///
/// Beside rows that were committed it holds some that the one writer has read from a table, and the absence of rows, because
/// most looks at relations find nothing. They are what they were before the buffer began, so every view of it may see them.
pub(super) struct HotRows(RwLock<VersionedRows>);

impl HotRows {
    pub fn new(rows: VersionedRows) -> Self {
        Self(RwLock::new(rows))
    }

    /// The table of a key, if its rows belong here.
    pub fn table(key: &[u8]) -> Option<Table> {
        use Table::{Account, Conversation, Meta, Position, Relation};
        let table = key.first().and_then(|byte| Table::from_byte(*byte))?;
        matches!(table, Meta | Account | Conversation | Relation | Position).then_some(table)
    }

    pub fn read(&self) -> RwLockReadGuard<'_, VersionedRows> {
        self.0.read()
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, VersionedRows> {
        self.0.write()
    }

    /// What a row was after a commit, its absence too; none if it is not here.
    pub fn get(&self, key: &[u8], sequence: u64) -> Option<Option<Cell>> {
        self.0.read().get(key, sequence)
    }

    /// Keeps a row as it is in tables, for the one writer.
    pub fn keep(&self, key: HashedKey, cell: Option<Cell>) {
        self.0.write().keep(key, cell);
    }

    /// The same of several rows.
    pub fn keep_all(&self, read: impl Iterator<Item = (HashedKey, Option<Cell>)>) {
        let mut rows = self.0.write();
        read.for_each(|(key, cell)| rows.keep(key, cell));
    }

    /// As [`VersionedRows::into_memory`].
    pub fn into_memory(self, meanwhile: impl Fn()) -> Memory {
        self.0.into_inner().into_memory(meanwhile)
    }
}
