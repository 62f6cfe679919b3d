use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Account;

/// What a device runs on (client protocol).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Platform {
    Android,
    Iphone,
    Ipad,
    Windows,
    Mac,
    Web,
    Linux,
}

/// A device logged in, or came back with the session that it held. Which other sessions end by it, the fold decides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionOpened {
    /// Made by the gateway, unique for ever.
    pub session: String,
    /// The client's name of the device, 1 to 64 characters.
    pub device: String,
    /// What it runs on.
    pub platform: Platform,
    /// `TLS.time` of the signature, Unix seconds.
    pub signed_at: u64,
    /// The session that this device held before, on a reconnect that no person asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
    /// What the client has stored of the timeline: it wins over the recorded cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<ClientCursor>,
    /// The client's network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// A place in a named run of sequences.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClientCursor {
    /// The name of the run, as the client was told it.
    pub timeline: String,
    /// Everything up to and including this sequence is stored.
    pub sequence: u64,
}

/// Why a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The user logged out.
    Logout,
    /// The connection was closed or broke.
    LinkLost,
    /// Nothing was heard of the device, or it did not return after `owner.changed`.
    TimeOut,
    /// The signature's time was over and no new one came.
    SignatureExpired,
}

/// The end of one session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnd {
    /// Whose session.
    pub account: Account,
    /// Which one.
    pub session: String,
    /// Why.
    pub reason: CloseReason,
    /// The network address that the client had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// Devices of accounts in this partition logged out, lost their link, or did not return.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionClosed {
    /// At most 1,000.
    #[schemars(length(max = 1000))]
    pub sessions: Vec<SessionEnd>,
}

/// How far one device has taken its account's timeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CursorAdvance {
    /// Whose timeline.
    pub account: Account,
    /// Which of the account's devices.
    pub device: String,
    /// This device has stored its timeline up to and including this sequence.
    pub sequence: u64,
}

/// How far devices of accounts in this partition have taken their timelines: one record a second at most, and one more at each
/// login and for each further 1,000 devices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CursorsAdvanced {
    /// At most 1,000, each device once.
    #[schemars(length(max = 1000))]
    pub cursors: Vec<CursorAdvance>,
}
