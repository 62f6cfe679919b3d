use duolog_topics::{Account, Millis, MsgKey};
use serde::{Deserialize, Serialize};

use super::{HistoryPlace, Key, KeyReader, Pointer, Row, RowsError, Table};

/// Bits of a history or timeline row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowFlags(u8);

impl RowFlags {
    /// The owner of the mailbox received it (else: sent it).
    pub const INCOMING: Self = Self(1);
    /// It counts as unread until it is read.
    pub const COUNTS: Self = Self(2);
    pub const RECALLED: Self = Self(4);
    pub const MODIFIED: Self = Self(8);
    /// The receiver confirmed it by key.
    pub const RECEIPTED: Self = Self(16);
    /// Deleted from the owner's view; its place in the timeline stays, so that no device sees a gap there.
    pub const DELETED: Self = Self(32);

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn when(self, condition: bool, other: Self) -> Self {
        if condition { self.with(other) } else { self }
    }
}

/// `history`: (account, peer, message time, sequence) -> a message in one user's view of a conversation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HistoryRow {
    #[serde(skip)]
    pub record_time: Millis,
    pub flags: RowFlags,
    /// The record that holds the body: the one that sent it, or the one that modified it last.
    pub pointer: Pointer,
    pub msg_seq: u32,
    pub random: u32,
}

impl Row for HistoryRow {
    const TABLE: Table = Table::History;

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

impl HistoryRow {
    pub fn key(account: &Account, peer: &Account, place: HistoryPlace) -> Key {
        Self::prefix(account, peer).u64(place.time).u64(place.sequence)
    }

    pub fn prefix(account: &Account, peer: &Account) -> Key {
        Key::of(Table::History).account(account).account(peer)
    }

    /// The place in a key that [`HistoryRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn place(key: &[u8]) -> Result<HistoryPlace, RowsError> {
        let mut reader = KeyReader::new(key, Table::History)?;
        reader.text()?;
        reader.text()?;
        Ok(HistoryPlace { time: reader.u64()?, sequence: reader.u64()? })
    }

    pub fn msg_key(&self, time: Millis) -> MsgKey {
        MsgKey { seq: self.msg_seq, random: self.random, time: time / 1000 }
    }
}
