use duolog_topics::{LogId, Millis};
use serde::{Deserialize, Serialize};

use super::{Key, KeyReader, Row, RowsError, Table};

/// `outbox`: (destination partition, number) -> a record that the courier carries there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutboxRow {
    pub account: String,
    pub time: Millis,
    pub kind: String,
    pub version: u16,
    pub payload: Vec<u8>,
}

impl Row for OutboxRow {
    const TABLE: Table = Table::Outbox;
}

impl OutboxRow {
    pub fn key(destination: u32, number: u64) -> Key {
        Self::prefix(destination).u64(number)
    }

    pub fn prefix(destination: u32) -> Key {
        Key::of(Table::Outbox).u32(destination)
    }

    /// The number in a key that [`OutboxRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn number(key: &[u8]) -> Result<u64, RowsError> {
        let mut reader = KeyReader::new(key, Table::Outbox)?;
        reader.u32()?;
        reader.u64()
    }
}

/// `positions`: (direction, log, generation, partition) -> the last number given out to, or applied from, a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PositionRow {
    pub number: u64,
}

impl Row for PositionRow {
    const TABLE: Table = Table::Position;
}

impl PositionRow {
    /// Numbers given out to a destination of the same log.
    pub fn given_out(destination: u32) -> Key {
        Key::of(Table::Position).byte(b'o').u32(destination)
    }

    /// Numbers applied from a source.
    pub fn applied_from(log_id: &LogId, generation: u32, partition: u32) -> Key {
        Key::of(Table::Position).byte(b'i').bytes(log_id.as_bytes()).u32(generation).u32(partition)
    }
}
