use duolog_topics::{Account, Millis};
use serde::{Deserialize, Serialize};

use super::{Key, KeyReader, Pointer, Row, RowsError, Table};

/// Whom of those with an open session a push to all has been given to: accounts in the order of their names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Asked {
    Nobody,
    UpTo(Account),
    Everybody,
}

/// `broadcasts`: (number) -> a push to all accounts, as this home has it. Numbers count 1, 2, 3 in each home; an account
/// keeps the one that it has taken last. The fold deletes rows when their window of repeats is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BroadcastRow {
    /// When this home folded it.
    pub time: Millis,
    pub task_id: String,
    pub from: Account,
    /// MsgRandom: the same one of the same sender again is a repeat.
    pub random: u32,
    /// The record whose row holds the body.
    pub pointer: Pointer,
    /// Partition time after which nobody gets it any more; absent: only who was connected.
    pub until: Option<Millis>,
    pub asked: Asked,
}

impl Row for BroadcastRow {
    const TABLE: Table = Table::Broadcast;
}

impl BroadcastRow {
    pub fn key(number: u64) -> Key {
        Key::of(Table::Broadcast).u64(number)
    }

    /// The number in a key that [`BroadcastRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn number(key: &[u8]) -> Result<u64, RowsError> {
        KeyReader::new(key, Table::Broadcast)?.u64()
    }
}
