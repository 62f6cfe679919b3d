use duolog_topics::{Millis, Platform};
use serde::{Deserialize, Serialize};

use super::{Delivery, Key, Pointer, Row, Table};

/// `outcomes`: (pointer) -> the verdict on a record that leaves no message, where a consumer needs what the fold knew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutcomeRow {
    #[serde(skip)]
    pub record_time: Millis,
    /// 0: applied.
    pub code: u32,
    /// Of an online-only message.
    pub deliveries: Vec<Delivery>,
    /// Devices that the record kicked: (device, platform).
    pub ended: Vec<(String, Platform)>,
}

impl Row for OutcomeRow {
    const TABLE: Table = Table::Outcome;

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

impl OutcomeRow {
    pub fn key(pointer: Pointer) -> Key {
        Key::of(Table::Outcome).pointer(pointer)
    }
}
