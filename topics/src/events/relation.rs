use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, Millis, ProfileItem, Via};

/// When and where a change of a relation was decided: a home applies it only if its register holds a lower one.
///
/// Compared by time, then partition, then offset, so that both homes end equal whatever arrives first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RegisterStamp {
    /// Record time, Unix milliseconds.
    pub time: Millis,
    /// The partition of the record that decided.
    pub partition: u32,
    /// The offset of that record.
    pub offset: u64,
}

/// A user blocked or unblocked others. A block ends the friendships both ways and wins over friend changes until it is
/// lifted. It stands in the owner's home and is carried to the peers'.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BlacklistChanged {
    /// Whose blacklist.
    pub owner: Account,
    /// At most 1,000.
    #[schemars(length(max = 1000))]
    pub peers: Vec<Account>,
    /// True: they are on it from here on; false: no longer.
    pub blocked: bool,
    /// Only on a carried record; the home that decided uses the record's own place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<RegisterStamp>,
    /// Who asked, and from where; absent: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// What happened to a friendship.
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

/// A friendship was asked for, made, changed or ended. It stands in the owner's home; what concerns the peer is carried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FriendChanged {
    /// Whose friend list.
    pub owner: Account,
    /// The friend, or whoever may become one.
    pub peer: Account,
    /// What happened.
    pub action: FriendAction,
    /// The change is made in the peer's list as well.
    pub both: bool,
    /// By the server API with ForceAddFlags: the peer's AllowType is not asked.
    pub forced: bool,
    /// What the owner calls the peer, at most 96 bytes; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// The owner's groups that hold the peer, all of them; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// AddSource: where the owner found the peer, `AddSource_Type_` and at most 8 letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// AddWording: what the owner says to the peer with a request, at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<String>,
    /// The app's own fields of the friend (`Tag_SNS_Custom_` and at most 8 letters) that are set; the others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Vec<ProfileItem>>,
    /// Only on a carried record; the home that decided uses the record's own place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<RegisterStamp>,
    /// Who asked, and from where; absent: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// Groups of the account's friends were made or removed; a removed group's friends stay friends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FriendGroupChanged {
    /// Their names, each at most 30 bytes.
    pub groups: Vec<String>,
    /// True: made; false: removed.
    pub added: bool,
}
