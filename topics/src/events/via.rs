use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, Platform};

/// Through whom a request came in, for consumers that tell of it. The fold passes it on and obeys nothing in it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Via {
    /// The admin in whose name the server API was called; absent: a client asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Account>,
    /// The client's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What the client runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The network address of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}
