use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, MessageContent, Millis};

/// A push to all accounts, written once in every partition and never once an account.
///
/// The home of `@duolog` decides and carries it to the other partitions. Accounts with an open session take it in this
/// record and, 1,000 sessions at a time, in further ones of the same task; the others at their next login, for as long
/// as `content.life` says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BroadcastIssued {
    /// Names the push, as answered to the caller.
    pub task_id: String,
    /// Whom it comes from.
    pub from: Account,
    /// What it says.
    pub content: MessageContent,
    /// Message time, Unix milliseconds; only on a carried record: the home that decided gives it, the same everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_time: Option<Millis>,
}
