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

/// How a message is treated; each is false unless it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct MessageFlags {
    /// Live receivers only: no rows but the outcome.
    #[serde(default, skip_serializing_if = "no")]
    pub online_only: bool,
    /// Does not count as unread.
    #[serde(default, skip_serializing_if = "no")]
    pub no_unread: bool,
    /// The conversation keeps its last message and its place.
    #[serde(default, skip_serializing_if = "no")]
    pub no_last_message: bool,
    /// The sender wants to know when the receiver has read it.
    #[serde(default, skip_serializing_if = "no")]
    pub receipt_wanted: bool,
    /// No offline push.
    #[serde(default, skip_serializing_if = "no")]
    pub mute_notifications: bool,
    /// The app's own server was not asked before it.
    #[serde(default, skip_serializing_if = "no")]
    pub forbid_before_callback: bool,
    /// The app's own server is not told of it.
    #[serde(default, skip_serializing_if = "no")]
    pub forbid_after_callback: bool,
    /// Sent by an app admin: passes blacklist, friend check and mute like the server API.
    #[serde(default, skip_serializing_if = "no")]
    pub by_admin: bool,
}

/// What a message is, apart from who gets it: the same in the sender's and in the receivers' homes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageContent {
    /// JSON array of elements {MsgType, MsgContent}, as received or as the before-send hook replaced it.
    pub body: RawJson,
    /// CloudCustomData.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<String>,
    /// The caller's MsgSeq, or a random one if he gave none.
    pub msg_seq: u32,
    /// MsgRandom.
    pub random: u32,
    /// How it is treated.
    #[serde(default)]
    pub flags: MessageFlags,
    /// How it came in.
    pub origin: Origin,
    /// Seconds that the message waits for an offline receiver; absent: as the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u32>,
    /// OfflinePushInfo, a JSON object, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<RawJson>,
    /// What the sender's device runs on; absent: the server API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The network address of whoever sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// A message to one or many receivers, in the home of its sender, who is the record's account.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    /// 1 to 1,000, none twice, those that passed the first checks.
    #[schemars(length(min = 1, max = 1000))]
    pub receivers: Vec<Account>,
    /// What it says.
    pub content: MessageContent,
    /// Whether the caller chose `msg_seq`; part of the idempotency key.
    pub seq_given: bool,
    /// xxh3 (64 bit) of the request as received: an equal key with another hash is another message.
    pub request_hash: u64,
    /// Message time of an imported message, Unix milliseconds; only with the origin `import`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_time: Option<Millis>,
    /// What the sender's own mailbox gets.
    #[serde(default)]
    pub sender_copy: SenderCopy,
    /// The admin in whose name the server API was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Account>,
    /// The session that sent it; it gets its own message in the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// A message from another home reached its receivers here. The record's account is one of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageArrived {
    /// The sender, whose home is elsewhere.
    pub from: Account,
    /// Those of the message's receivers whose home is here.
    pub receivers: Vec<Account>,
    /// What it says.
    pub content: MessageContent,
    /// Message time, Unix milliseconds, given by the sender's home.
    pub message_time: Millis,
}
