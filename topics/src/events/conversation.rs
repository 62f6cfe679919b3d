use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, Millis};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConversationRead {
    /// Who read.
    pub reader: Account,
    pub peer: Account,
    /// A message time; the fold lowers it to the newest received message. Absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConversationDeleted {
    pub peer: Account,
    /// Also clears the history.
    pub clear_history: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConversationCleared {
    pub peer: Account,
}
