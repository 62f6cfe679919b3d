use duolog_topics::{Account, Millis};
use serde::{Deserialize, Serialize};

use super::{Cell, HistoryEntries, Hot, HotRow, Key, KeyReader, Row, RowsError, Table};

/// The place of a message in a conversation's history.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct HistoryPlace {
    pub time: Millis,
    pub sequence: u64,
}

/// A conversation's place among the recent contacts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Recent {
    /// Message time that brought it there: newest first.
    pub time: Millis,
    /// The time in the key of its `recents` row, at or before `time`.
    pub row: Millis,
}

/// `conversations`: (account, peer) -> one user's side of a conversation. Expires with its last message.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ConversationRow {
    #[serde(skip)]
    pub record_time: Millis,
    pub last: Option<HistoryPlace>,
    /// Message time of the newest message in either direction; the next one is later.
    pub newest_time: Millis,
    /// Message time of the newest received message: read marks go no further.
    pub newest_received: Millis,
    /// Sequence of the last change, for "what changed since this cursor".
    pub changed: u64,
    pub unread: u64,
    /// Message time up to which this user has read.
    pub read_time: Millis,
    /// Message time up to which the peer has read.
    pub peer_read_time: Millis,
    /// Its place among the recent contacts; absent: it is not one.
    pub recent: Option<Recent>,
    /// Messages at or below this message time no longer count as unread, read or not: the conversation was deleted,
    /// cleared or evicted after them.
    pub uncounted: Millis,
    /// What was cleared from this user's view: the messages up to this sequence. Whatever is left is above this message
    /// time: a late message lowers it.
    pub cleared: HistoryPlace,
    /// The newest messages: all others are in rows of [`super::HistoryRow`], and before them.
    pub newest: HistoryEntries,
}

impl Row for ConversationRow {
    const TABLE: Table = Table::Conversation;
    const FORMAT: u8 = 2;

    /// Format 1 had no newest messages: none of them, in no bytes.
    fn added_since(format: u8) -> Option<&'static [u8]> {
        (format == 1).then_some(&[0, 0])
    }

    fn cell(&self) -> Cell {
        Cell::Conversation(self.clone().into())
    }

    fn from_cell(cell: &Cell) -> Result<Self, RowsError> {
        match cell {
            Cell::Conversation(row) => Ok(Self::clone(row)),
            other => Self::decode(&other.bytes()),
        }
    }

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

impl HotRow for ConversationRow {
    fn held(row: Hot<Self>) -> Cell {
        Cell::Conversation(row)
    }

    fn of(cell: Cell) -> Result<Hot<Self>, RowsError> {
        match cell {
            Cell::Conversation(row) => Ok(row),
            other => Ok(Self::decode(&other.bytes())?.into()),
        }
    }
}

impl ConversationRow {
    pub fn key(account: &Account, peer: &Account) -> Key {
        Key::of(Table::Conversation).account(account).account(peer)
    }

    /// Whether something else counts on this row: it outlives its expiry until the fold takes that back.
    pub fn is_counted(&self) -> bool {
        self.recent.is_some() || self.unread > 0
    }

    /// Whether a message that counts still does, as far as its message time tells.
    pub fn counts_at(&self, time: Millis) -> bool {
        time > self.read_time.max(self.uncounted)
    }
}

/// `recents`: (account, time, peer) -> nothing: which conversations are recent contacts; at most the policy's number of
/// rows for an account.
///
/// The order is in the conversations. A row stays where it was put while its conversation moves on, and follows when the
/// fold looks for the oldest one: most messages then write no row here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RecentRow {}

impl Row for RecentRow {
    const TABLE: Table = Table::Recent;
}

impl RecentRow {
    pub fn key(account: &Account, time: Millis, peer: &Account) -> Key {
        Self::prefix(account).u64(time).account(peer)
    }

    pub fn prefix(account: &Account) -> Key {
        Key::of(Table::Recent).account(account)
    }

    /// The time and the peer in a key that [`RecentRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn place(key: &[u8]) -> Result<(Millis, Account), RowsError> {
        let mut reader = KeyReader::new(key, Table::Recent)?;
        reader.text()?;
        Ok((reader.u64()?, reader.account()?))
    }
}
