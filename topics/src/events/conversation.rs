use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, Millis, Via};

/// Everything that the reader received from the peer, up to a message time, is read.
///
/// It stands in the reader's home; one that moved the mark is carried to the peer's, whose devices then show it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConversationRead {
    /// Who read.
    pub reader: Account,
    /// Whose messages.
    pub peer: Account,
    /// A message time, Unix milliseconds; the fold lowers it to the newest received message. Absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// Who asked, and from where; absent: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// A conversation left the account's recent contacts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConversationDeleted {
    /// The other side.
    pub peer: Account,
    /// Also clears the history, in the account's own view.
    pub clear_history: bool,
}

/// A conversation's history left the account's own view; the peer keeps his.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConversationCleared {
    /// The other side.
    pub peer: Account,
}
