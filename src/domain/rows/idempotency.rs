use duolog_topics::{Account, Millis};
use serde::{Deserialize, Serialize};

use super::{Key, Pointer, Row, Table};

/// Which window of repeats a key has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Window {
    Server,
    Client,
}

/// `idempotency`: (sender, 128-bit hash of the key) -> the first record with this key and its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IdempotencyRow {
    #[serde(skip)]
    pub record_time: Millis,
    pub window: Window,
    pub pointer: Pointer,
    pub message_time: Millis,
    pub msg_seq: u32,
    /// The sequence in the sender's timeline; 0 if it took none.
    pub sequence: u64,
}

impl Row for IdempotencyRow {
    const TABLE: Table = Table::Idempotency;

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

impl IdempotencyRow {
    pub fn key(sender: &Account, hash: u128) -> Key {
        Key::of(Table::Idempotency).account(sender).bytes(&hash.to_be_bytes())
    }
}
