use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Account;

/// What a device runs on (client protocol).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Android,
    Iphone,
    Ipad,
    Windows,
    Mac,
    Web,
    Linux,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionOpened {
    /// Made by the gateway, unique for ever.
    pub session: String,
    pub device: String,
    pub platform: Platform,
    /// `TLS.time` of the signature, Unix seconds.
    pub signed_at: u64,
    /// The session that this device held before, on a reconnect that no person asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
    /// What the client has stored of the timeline: it wins over the recorded cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<ClientCursor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// A place in a named run of sequences.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClientCursor {
    pub timeline: String,
    pub sequence: u64,
}

/// Why a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    Logout,
    LinkLost,
    TimeOut,
    SignatureExpired,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnd {
    pub account: Account,
    pub session: String,
    pub reason: CloseReason,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionClosed {
    /// At most 1,000.
    pub sessions: Vec<SessionEnd>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CursorAdvance {
    pub account: Account,
    pub device: String,
    /// This device has stored its timeline up to and including this sequence.
    pub sequence: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CursorsAdvanced {
    /// At most 1,000.
    pub cursors: Vec<CursorAdvance>,
}
