use std::sync::Arc;

use duolog_topics::{Account, Event, MessageContent, Millis, MsgKey, Platform, RawJson};
use serde::{Deserialize, Serialize};

use crate::domain::rows::{AccountRow, MetaRow, Pointer};
use crate::domain::view::Entry;
use crate::error::Code;

/// What the fold decided about a record: the answer to whoever asked for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Verdict {
    /// It took effect.
    Applied(Answer),
    /// It has the key of an earlier one, and gets that one's answer. Nothing changed.
    Repeat(Answer),
    /// It has no effect, for this reason.
    Refused(Refusal),
    /// It was written by an owner of another epoch: nobody was answered, so the request may be tried again.
    Superseded,
    /// A carried record that was here already, or came before its turn; or one that this fold skips by rule.
    Ignored,
}

impl Verdict {
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }
}

/// Why a request was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    pub code: Code,
    /// For [`Code::KICKED_BY_OTHER`]: the login that excludes this one.
    pub by: Option<Excluder>,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, by: None }
    }
}

/// The login that ended another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Excluder {
    pub platform: Platform,
    pub device: String,
    pub time: Millis,
}

/// What an applied record tells whoever asked for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Answer {
    Done,
    /// As much as one record may do; the same request again does more, until `Done`.
    Partial,
    Sent(Sent),
    Opened(Opened),
    Read {
        unread_total: u64,
    },
    /// One result for each account of the request, in its order.
    Results(Vec<(Account, Result<(), Code>)>),
    /// A friend request waits for its answer.
    Pending,
    /// A push to all is on its way, under this name.
    Issued {
        task_id: String,
    },
}

/// Where a message stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    pub key: MsgKey,
    /// Message time.
    pub time: Millis,
    /// In the sender's timeline; absent where the sender got no copy.
    pub sequence: Option<u64>,
    /// Receivers that do not exist after all.
    pub failed: Vec<(Account, Code)>,
    /// What the before-send hook put in place of what the sender said.
    pub changed: Option<Box<Changed>>,
}

/// What of a message is not as its sender said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Changed {
    pub body: Option<RawJson>,
    pub custom: Option<String>,
}

impl Changed {
    /// What differs from the request in the message that was kept of it; nothing where they are equal.
    pub fn between(said: &MessageContent, body: &RawJson, custom: Option<&String>) -> Option<Self> {
        let changed = Self {
            body: (said.body != *body).then(|| body.clone()),
            custom: custom.filter(|custom| said.custom.as_ref() != Some(custom)).cloned(),
        };
        (changed != Self::default()).then_some(changed)
    }
}

/// A session that was opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Opened {
    /// Names this run of sequences.
    pub timeline: String,
    /// What its device has taken.
    pub cursor: u64,
    /// The account's last sequence.
    pub head: u64,
    /// Sequences after the device's cursor that the timeline no longer holds, both ends included.
    pub gap: Option<(u64, u64)>,
    /// Whether the cursor is the client's own, or that of a known device: then only changes are told.
    pub known: bool,
}

impl Opened {
    /// Where the catch-up starts: at the cursor, or behind what the timeline no longer holds.
    pub fn start(&self) -> u64 {
        self.gap.map_or(self.cursor, |(_, last)| last)
    }
}

/// What a record's fold tells the rest of the process, after the commit.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Live devices of an account get an entry.
    Announce(Announcement),
    /// A session of the account has ended.
    End(SessionEnded),
    /// Records wait in the outbox for this partition.
    Outbox { destination: u32, number: u64 },
    /// The record has more to do than one may: the same event again, for this account, goes on. Nobody waits for it.
    GoOn { account: Account, event: Box<Event> },
}

/// An entry for the live devices of one account.
#[derive(Clone, Debug)]
pub struct Announcement {
    pub account: Account,
    /// Place in the timeline; absent for what is not kept (online-only messages).
    pub place: Option<Place>,
    pub entry: Arc<Entry>,
    /// The session that caused it: it learns of it from its reply.
    pub by_session: Option<String>,
}

/// A sequence and the one of the timeline entry before it: whoever is exactly there has missed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub sequence: u64,
    pub previous: u64,
}

/// Why the log ended a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndReason {
    LoginElsewhere(Excluder),
    /// Its own device opened a newer one.
    Replaced,
    KickedByAdmin,
    AccountDeleted,
    LoggedOut,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionEnded {
    pub account: Account,
    pub session: String,
    pub reason: EndReason,
}

/// What folding one record gave.
#[derive(Clone, Debug)]
pub struct Folded {
    pub at: Pointer,
    pub verdict: Verdict,
    pub effects: Vec<Effect>,
}

/// A body that reads as empty: of a recalled message.
pub fn empty_body() -> RawJson {
    RawJson::from_checked("[]")
}

/// Names a run of sequences: the import that made the account and, after a backup was put back, how often.
pub fn timeline_name(owner: &AccountRow, meta: &MetaRow) -> String {
    let id = uuid::Uuid::from_bytes(owner.timeline_id).simple();
    if meta.restored == 0 { id.to_string() } else { format!("{id}-{}", meta.restored) }
}
