use duolog_topics::{Account, MessageContent, MessageFlags, Millis, MsgKey, Origin, Platform, RawJson};
use serde::{Deserialize, Serialize};

use super::{Key, Pointer, Row, Table};
use crate::error::Code;

/// What became of a message for one receiver, for the consumers of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delivery {
    pub receiver: Account,
    /// 0: delivered; else the code of `docs/ERRORS.md` that a loud answer would have had.
    pub code: u32,
    /// The receiver's unread messages just after it.
    pub unread_total: u64,
    /// Whether a device of the receiver was connected, its app in the foreground.
    pub online: bool,
}

impl Delivery {
    pub fn unknown(receiver: &Account) -> Self {
        let code = Code::ACCOUNT_UNKNOWN.number();
        Self { receiver: receiver.clone(), code, unread_total: 0, online: false }
    }

    pub fn is_unknown(&self) -> bool {
        self.code == Code::ACCOUNT_UNKNOWN.number()
    }

    /// What the sender is told of a receiver that does not exist.
    pub fn failure(&self) -> (Account, Code) {
        (self.receiver.clone(), Code::ACCOUNT_UNKNOWN)
    }
}

/// `messages`: (pointer) -> a record's message, once a home, and what became of it here.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MessageRow {
    #[serde(skip)]
    pub record_time: Millis,
    pub from: Account,
    pub message_time: Millis,
    pub body: RawJson,
    pub custom: Option<String>,
    pub msg_seq: u32,
    pub random: u32,
    bits: u8,
    origin: u8,
    pub push: Option<RawJson>,
    pub platform: Option<Platform>,
    /// How many receivers the record had in this home and, in the sender's home, elsewhere.
    pub receivers: u32,
    /// Of the receivers whose home is here.
    pub deliveries: Vec<Delivery>,
}

impl Row for MessageRow {
    const TABLE: Table = Table::Message;

    fn record_time(&self) -> Option<Millis> {
        Some(self.record_time)
    }

    fn set_record_time(&mut self, time: Millis) {
        self.record_time = time;
    }
}

impl MessageRow {
    /// The rows of so many offsets, from a multiple of it on, lie beside each other where rows are in memory: a walk that goes
    /// no further is cheap.
    pub const BESIDE: u64 = 256;

    pub fn new(from: &Account, content: &MessageContent, message_time: Millis, record_time: Millis) -> Self {
        Self {
            record_time,
            from: from.clone(),
            message_time,
            body: content.body.clone(),
            custom: content.custom.clone(),
            msg_seq: content.msg_seq,
            random: content.random,
            bits: pack(content.flags),
            origin: content.origin as u8,
            push: content.push.clone(),
            platform: content.platform,
            receivers: 1,
            deliveries: Vec::new(),
        }
    }

    pub fn key(pointer: Pointer) -> Key {
        Key::of(Table::Message).pointer(pointer)
    }

    pub fn msg_key(&self) -> MsgKey {
        MsgKey { seq: self.msg_seq, random: self.random, time: self.message_time / 1000 }
    }

    pub fn flags(&self) -> MessageFlags {
        let has = |bit: u8| self.bits & (1 << bit) != 0;
        MessageFlags {
            online_only: has(0),
            no_unread: has(1),
            no_last_message: has(2),
            receipt_wanted: has(3),
            mute_notifications: has(4),
            // Nobody asks afterwards: the event alone holds it.
            forbid_before_callback: false,
            forbid_after_callback: has(5),
            by_admin: has(6),
        }
    }

    pub fn origin(&self) -> Origin {
        [Origin::Client, Origin::Server, Origin::Batch, Origin::Import][usize::from(self.origin & 3)]
    }
}

fn pack(flags: MessageFlags) -> u8 {
    [
        flags.online_only,
        flags.no_unread,
        flags.no_last_message,
        flags.receipt_wanted,
        flags.mute_notifications,
        flags.forbid_after_callback,
        flags.by_admin,
    ]
    .iter()
    .enumerate()
    .fold(0, |bits, (place, set)| bits | (u8::from(*set) << place))
}
