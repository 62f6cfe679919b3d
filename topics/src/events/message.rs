use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, Millis, Platform, RawJson};

fn no(flag: &bool) -> bool {
    !*flag
}

/// How a message came in: callbacks and permissions differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The client protocol.
    Client,
    /// `openim/sendmsg`.
    Server,
    /// `openim/batchsendmsg`: no callbacks.
    Batch,
    /// `openim/importmsg`: no callbacks, not announced.
    Import,
}

/// What the sender's own mailbox gets (`SyncOtherMachine`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SenderCopy {
    /// A history row and a timeline entry, so that the sender's devices follow.
    #[default]
    Full,
    /// A history row only.
    History,
    /// Nothing.
    None,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct MessageFlags {
    /// Live receivers only: no rows but the outcome.
    #[serde(default, skip_serializing_if = "no")]
    pub online_only: bool,
    #[serde(default, skip_serializing_if = "no")]
    pub no_unread: bool,
    /// The conversation keeps its last message and its place.
    #[serde(default, skip_serializing_if = "no")]
    pub no_last_message: bool,
    #[serde(default, skip_serializing_if = "no")]
    pub receipt_wanted: bool,
    #[serde(default, skip_serializing_if = "no")]
    pub mute_notifications: bool,
    #[serde(default, skip_serializing_if = "no")]
    pub forbid_after_callback: bool,
    /// Sent by an app admin: passes blacklist, friend check and mute like the server API.
    #[serde(default, skip_serializing_if = "no")]
    pub by_admin: bool,
}

/// What a message is, apart from who gets it: the same in the sender's and in the receivers' homes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageContent {
    /// JSON array of elements {MsgType, MsgContent}, as received.
    pub body: RawJson,
    /// CloudCustomData.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<String>,
    /// The caller's MsgSeq, or a random one if he gave none.
    pub msg_seq: u32,
    /// MsgRandom.
    pub random: u32,
    #[serde(default)]
    pub flags: MessageFlags,
    pub origin: Origin,
    /// Seconds that the message waits for an offline receiver; absent: as the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u32>,
    /// OfflinePushInfo, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<RawJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    /// 1 to 1,000, none twice, those that passed the first checks.
    pub receivers: Vec<Account>,
    pub content: MessageContent,
    /// Whether the caller chose `msg_seq`; part of the idempotency key.
    pub seq_given: bool,
    /// xxh3 (64 bit) of the request as received: an equal key with another hash is another message.
    pub request_hash: u64,
    /// Unix ms; only for [`Origin::Import`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_time: Option<Millis>,
    #[serde(default)]
    pub sender_copy: SenderCopy,
    /// The admin in whose name the server API was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Account>,
    /// The session that sent it; it gets its own message in the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageArrived {
    pub from: Account,
    /// Those of the message's receivers whose home is here.
    pub receivers: Vec<Account>,
    pub content: MessageContent,
    /// Message time, given by the sender's home.
    pub message_time: Millis,
}

/// Names a message inside a conversation: on the wire `<MsgSeq>_<MsgRandom>_<MsgTime in seconds>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MsgKey {
    pub seq: u32,
    pub random: u32,
    /// Unix seconds.
    pub time: u64,
}

impl std::fmt::Display for MsgKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}_{}", self.seq, self.random, self.time)
    }
}

/// A text that is no [`MsgKey`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a message key is <MsgSeq>_<MsgRandom>_<MsgTime>")]
pub struct MsgKeyError;

impl std::str::FromStr for MsgKey {
    type Err = MsgKeyError;

    fn from_str(text: &str) -> Result<Self, MsgKeyError> {
        fn number<T: std::str::FromStr>(part: Option<&str>) -> Result<T, MsgKeyError> {
            let part = part.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            part.and_then(|part| part.parse().ok()).ok_or(MsgKeyError)
        }
        let mut parts = text.split('_');
        let key = Self { seq: number(parts.next())?, random: number(parts.next())?, time: number(parts.next())? };
        if parts.next().is_some() { Err(MsgKeyError) } else { Ok(key) }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageRecalled {
    pub from: Account,
    pub to: Account,
    pub key: MsgKey,
    pub by: Account,
    /// The server API recalls messages of any age; a client only his own, within the policy's time.
    pub by_operator: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageModified {
    pub from: Account,
    pub to: Account,
    pub key: MsgKey,
    pub by: Account,
    pub by_operator: bool,
    /// The whole new body; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<RawJson>,
    /// Absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageDeleted {
    pub peer: Account,
    /// At most 1,000.
    pub keys: Vec<MsgKey>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceipted {
    /// Who read them.
    pub reader: Account,
    /// Who sent them.
    pub sender: Account,
    /// At most 30.
    pub keys: Vec<MsgKey>,
}
