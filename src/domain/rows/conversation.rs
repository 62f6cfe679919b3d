use duolog_topics::{Account, Millis};
use serde::{Deserialize, Serialize};

use super::{Key, Row, Table};

/// The place of a message in a conversation's history.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct HistoryPlace {
    pub time: Millis,
    pub sequence: u64,
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
    pub recent: Option<Millis>,
    /// Messages at or below this message time were cleared from this user's view.
    pub cleared: Millis,
}

impl Row for ConversationRow {
    const TABLE: Table = Table::Conversation;

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

impl ConversationRow {
    pub fn key(account: &Account, peer: &Account) -> Key {
        Key::of(Table::Conversation).account(account).account(peer)
    }
}

/// `recents`: (account, time, peer) -> nothing. Order only; at most the policy's number of rows for an account.
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
}
