use bytes::Bytes;

use super::{AccountRow, ConversationRow, Hot, Row, RowsError, Scratch, Table};

/// A row's value on its way between the fold and the store.
///
/// Accounts and conversations are read and changed by nearly every message, so they stay decoded from one batch to the
/// next and are encoded once a commit, however many messages touched them.
#[derive(Clone, PartialEq, Debug)]
pub enum Cell {
    Encoded(Bytes),
    Account(Hot<AccountRow>),
    Conversation(Hot<ConversationRow>),
}

impl Cell {
    /// The value as the store keeps it. Costs an encoding for hot rows.
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Encoded(value) => value.clone(),
            Self::Account(row) => row.encode(),
            Self::Conversation(row) => row.encode(),
        }
    }

    /// The same, borrowed: a hot row is encoded into `scratch`.
    pub fn value<'v>(&'v self, scratch: &'v mut Scratch) -> &'v [u8] {
        scratch.clear();
        match self {
            Self::Encoded(value) => return value,
            Self::Account(row) => row.encode_to(scratch),
            Self::Conversation(row) => row.encode_to(scratch),
        }
        scratch
    }

    /// Decoded, if it is of a hot table.
    ///
    /// # Errors
    /// If the bytes are no row of the table.
    pub fn decoded(self, table: Table) -> Result<Self, RowsError> {
        Ok(match (table, &self) {
            (Table::Account, Self::Encoded(value)) => Self::Account(AccountRow::decode(value)?.into()),
            (Table::Conversation, Self::Encoded(value)) => Self::Conversation(ConversationRow::decode(value)?.into()),
            _ => self,
        })
    }

    /// Reads a little of what it points at, so that it is in the caches of the core when more is read.
    pub fn near(&self) -> u64 {
        match self {
            Self::Encoded(value) => value.first().copied().map_or(0, u64::from),
            Self::Account(row) => row.sequence,
            Self::Conversation(row) => row.changed ^ row.newest.near(),
        }
    }

    /// Bytes that it takes in memory, about.
    pub fn size(&self) -> usize {
        match self {
            Self::Encoded(value) => value.len(),
            Self::Account(_) => size_of::<AccountRow>(),
            Self::Conversation(row) => size_of::<ConversationRow>() + row.newest.size(),
        }
    }
}

impl From<Bytes> for Cell {
    fn from(value: Bytes) -> Self {
        Self::Encoded(value)
    }
}
