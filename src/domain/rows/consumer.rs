use serde::{Deserialize, Serialize};

use super::{Key, KeyReader, Row, RowsError, Table};

/// `consumers`: (consumer) -> how far a consumer of the log has come in this partition.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ConsumerRow {
    /// Every record below it is delivered, but for those in `waiting`; absent: it is off and holds back nothing.
    pub position: Option<u64>,
    /// Ascending, at most 256.
    pub waiting: Vec<u64>,
}

impl Row for ConsumerRow {
    const TABLE: Table = Table::Consumer;
}

impl ConsumerRow {
    pub fn key(consumer: &str) -> Key {
        Self::prefix().text(consumer)
    }

    pub fn prefix() -> Key {
        Key::of(Table::Consumer)
    }

    /// The consumer in a key that [`ConsumerRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn name(key: &[u8]) -> Result<String, RowsError> {
        KeyReader::new(key, Table::Consumer)?.text().map(str::to_owned)
    }

    /// The first record that it still needs; none if it is off.
    pub fn needs_from(&self) -> Option<u64> {
        self.position.map(|position| self.waiting.first().copied().unwrap_or(position).min(position))
    }
}
