use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, MessageContent};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BroadcastIssued {
    pub task_id: String,
    pub from: Account,
    pub content: MessageContent,
}
