use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, MsgKey, RawJson, Via};

/// A message was taken back, on all devices of both sides. It stands in the home of the message's sender, whoever asks,
/// so that it follows the message on the same way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageRecalled {
    /// The message's sender.
    pub from: Account,
    /// The message's receiver.
    pub to: Account,
    /// Which message.
    pub key: MsgKey,
    /// Who took it back.
    pub by: Account,
    /// The server API recalls messages of any age; a client only his own, within the policy's time.
    pub by_operator: bool,
    /// Who asked, and from where; absent: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// The body or the custom data of a message was replaced, on all devices of both sides. It stands where a recall does.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageModified {
    /// The message's sender.
    pub from: Account,
    /// The message's receiver.
    pub to: Account,
    /// Which message.
    pub key: MsgKey,
    /// Who replaced it.
    pub by: Account,
    /// By the server API; a client only his own.
    pub by_operator: bool,
    /// The whole new body, a JSON array of elements; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<RawJson>,
    /// The new CloudCustomData; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<String>,
}

/// Messages left the account's own view; the peer keeps his.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageDeleted {
    /// The other side of the conversation.
    pub peer: Account,
    /// At most 1,000.
    #[schemars(length(max = 1000))]
    pub keys: Vec<MsgKey>,
}

/// The receiver confirmed single messages as read. It stands in the reader's home and is carried to the sender's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceipted {
    /// Who read them.
    pub reader: Account,
    /// Who sent them.
    pub sender: Account,
    /// At most 30.
    #[schemars(length(max = 30))]
    pub keys: Vec<MsgKey>,
}
