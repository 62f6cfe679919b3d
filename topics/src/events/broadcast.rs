use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, MessageContent};

/// A push to all accounts, written once in every partition and never once an account.
///
/// Accounts with an open session take it in continuation records, the others at their next login.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BroadcastIssued {
    /// Names the push, as answered to the caller.
    pub task_id: String,
    /// Whom it comes from.
    pub from: Account,
    /// What it says.
    pub content: MessageContent,
}
