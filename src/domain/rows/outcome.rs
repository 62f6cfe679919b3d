use duolog_topics::{Account, CloseReason, Millis, Platform};
use serde::{Deserialize, Serialize};

use super::{Delivery, Key, Pointer, Row, Table};

/// `outcomes`: (pointer) -> what a record did that leaves no message, where consumers are told of its kind.
///
/// There is a row only if the record took effect: a repeat, a refusal and a superseded record leave none, so no consumer
/// tells of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutcomeRow {
    #[serde(skip)]
    pub record_time: Millis,
    pub outcome: Outcome,
}

/// What only the fold knew of a record that took effect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// The event says it all.
    Applied,
    /// An online-only message.
    OnlineOnly { message_time: Millis, deliveries: Vec<Delivery> },
    /// The reader's mark moved up to this message time; what he has left unread.
    Read { until: Millis, unread_total: u64 },
    /// A message was taken back from its receiver; what he has unread now.
    Recalled { unread_total: u64 },
    /// A device logged in and ended the sessions of others: (device, platform).
    Opened { kicked: Vec<(String, Platform)> },
    /// Sessions ended.
    Ended { sessions: Vec<EndedSession> },
    /// Relations that began or ended, as the event says: (who lists, whom).
    Related { added: bool, pairs: Vec<(Account, Account)> },
    /// Sessions of the event's list ended.
    Closed { sessions: Vec<ClosedSession> },
    /// The last open app of the account went to the background.
    Left { missed: Missed },
}

/// A session of a list that ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClosedSession {
    /// Its place in the event's list.
    pub place: u32,
    pub platform: Platform,
    /// If it was the last app of the account that counted as open.
    pub missed: Option<Missed>,
}

/// What came to an account while an app counted as open there, and its device had not taken when that was over: the
/// messages of the timeline with a sequence in (after, until] and a record time of `since` or later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Missed {
    pub after: u64,
    pub until: u64,
    pub since: Millis,
}

/// A session that ended with its account, or with all of its account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EndedSession {
    pub account: Account,
    pub device: String,
    pub platform: Platform,
    pub reason: CloseReason,
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
