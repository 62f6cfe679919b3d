use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, Millis};

/// When and where a change of a relation was decided: a home applies it only if its register holds a lower one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RegisterStamp {
    pub time: Millis,
    pub partition: u32,
    pub offset: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BlacklistChanged {
    /// Whose blacklist.
    pub owner: Account,
    /// At most 1,000.
    pub peers: Vec<Account>,
    pub blocked: bool,
    /// Only on a carried record; the home that decided uses the record's own place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<RegisterStamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FriendAction {
    /// The owner lists the peer.
    Add,
    /// The owner no longer lists the peer.
    Remove,
    /// Remark or groups were changed.
    Update,
    /// The owner asks the peer, who has to answer.
    Request,
    /// The owner accepts the peer's request.
    Accept,
    /// The owner refuses the peer's request.
    Refuse,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FriendChanged {
    pub owner: Account,
    pub peer: Account,
    pub action: FriendAction,
    /// The change is made in the peer's list as well.
    pub both: bool,
    /// By the server API with ForceAddFlags: the peer's AllowType is not asked.
    pub forced: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<String>,
    /// Only on a carried record; the home that decided uses the record's own place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<RegisterStamp>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FriendGroupChanged {
    pub groups: Vec<String>,
    pub added: bool,
}
