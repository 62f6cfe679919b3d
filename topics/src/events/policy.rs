use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many terminals of one account may be logged in at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoginPolicy {
    /// One device at all.
    Single,
    /// One native device and one web page.
    Dual,
    /// One mobile, one desktop, one web page.
    Triple,
    /// Every platform.
    Multi,
}

/// How a client's send to somebody who has blocked him is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlacklistAnswer {
    /// The sender sees success, the message is dropped.
    Success,
    /// The sender gets 20007.
    Error,
}

/// The rules that the fold obeys from here on. They are an event, so that a rebuild comes to the same decisions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChanged {
    /// A policy with a higher revision replaces the one before.
    pub revision: u64,
    /// How many terminals may be logged in at once.
    pub login: LoginPolicy,
    /// Devices of the web platform that may be logged in at once.
    pub web_instances: u32,
    /// Devices of any other one platform that may be logged in at once.
    pub other_instances: u32,
    /// Clients may send to friends only.
    pub friend_check: bool,
    /// What a blocked sender hears.
    pub blacklist_answer: BlacklistAnswer,
    /// How long messages wait for a device that does not come.
    pub offline_days: u32,
    /// Entries that a timeline keeps.
    pub offline_messages: u32,
    /// How long history is kept.
    pub roaming_days: u32,
    /// Conversations in the list of recent contacts.
    pub recent_contacts: u32,
    /// How long after sending a client may recall.
    pub recall_seconds: u64,
    /// How long a key keeps the first answer, for the server API.
    pub dedup_seconds: u64,
    /// How long a key keeps the first answer, for the client protocol.
    pub dedup_client_seconds: u64,
    /// Devices that an account may have; the one not seen for longest gives way.
    pub devices: u32,
}

impl Default for PolicyChanged {
    /// The policy of a log that has recorded none: revision 0, the defaults of the configuration.
    fn default() -> Self {
        Self {
            revision: 0,
            login: LoginPolicy::Single,
            web_instances: 1,
            other_instances: 1,
            friend_check: false,
            blacklist_answer: BlacklistAnswer::Success,
            offline_days: 7,
            offline_messages: 30_000,
            roaming_days: 7,
            recent_contacts: 100,
            recall_seconds: 120,
            dedup_seconds: 300,
            dedup_client_seconds: 604_800,
            devices: 20,
        }
    }
}
