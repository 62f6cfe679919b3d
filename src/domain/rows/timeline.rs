use duolog_topics::{Account, Millis, MsgKey};
use serde::{Deserialize, Serialize};

use super::{Key, KeyReader, Pointer, Row, RowFlags, RowsError, StoredItem, Table};

/// What a timeline entry says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TimelineEntry {
    Message {
        peer: Account,
        flags: RowFlags,
        pointer: Pointer,
        /// Partition time after which an offline device no longer gets it; absent: by the policy.
        until: Option<Millis>,
    },
    Change(Change),
}

/// What else than a message devices have to know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Change {
    Recall { peer: Account, key: MsgKey, by: Account },
    Modify { peer: Account, key: MsgKey, by: Account, pointer: Pointer },
    Delete { peer: Account, keys: Vec<MsgKey> },
    DeleteUntil { peer: Account, until: Millis },
    Read { peer: Account, until: Millis, unread: u64, unread_total: u64 },
    Receipt { peer: Account, until: Millis },
    ReceiptKeys { peer: Account, keys: Vec<MsgKey> },
    RecentRemoved { peer: Account },
    Relation { block: bool, peer: Account, added: bool, remark: Option<String>, groups: Option<Vec<String>> },
    Profile { items: Vec<StoredItem> },
}

/// `timeline`: (account, sequence) -> an entry of the one ordered feed that syncs an account's devices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TimelineRow {
    #[serde(skip)]
    pub record_time: Millis,
    /// Counts the account's entries: only the newest of them (the policy's number) are present.
    pub ordinal: u64,
    /// Sequence of the entry before, 0 if none: a device whose cursor is below has a gap.
    pub previous: u64,
    pub entry: TimelineEntry,
}

impl Row for TimelineRow {
    const TABLE: Table = Table::Timeline;

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

impl TimelineRow {
    pub fn key(account: &Account, sequence: u64) -> Key {
        Key::of(Table::Timeline).account(account).u64(sequence)
    }

    /// The sequence in a key that [`TimelineRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn sequence(key: &[u8]) -> Result<u64, RowsError> {
        let mut reader = KeyReader::new(key, Table::Timeline)?;
        reader.text()?;
        reader.u64()
    }
}
