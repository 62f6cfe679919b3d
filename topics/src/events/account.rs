use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Millis, Platform};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AccountImported {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face_url: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AccountDeleted {}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AccountKicked {
    /// Unix seconds: a signature whose `TLS.time` is below is refused.
    pub not_before: u64,
}

/// A profile field's value: the tags of the server API hold texts and unsigned numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TagValue {
    Number(u64),
    Text(String),
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProfileItem {
    pub tag: String,
    pub value: TagValue,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProfileChanged {
    pub items: Vec<ProfileItem>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MuteChanged {
    /// One-to-one messages are refused until this time; `u64::MAX` is for ever, 0 lifts. Absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c2c_until: Option<Millis>,
    /// The same for group messages: kept and answered, without effect here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_until: Option<Millis>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushProvider {
    Apns,
    Fcm,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PushTokenSet {
    pub device: String,
    pub platform: Platform,
    pub provider: PushProvider,
    /// Empty: the device is no longer reached.
    pub token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    pub enabled: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AppStateSet {
    pub device: String,
    pub background: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge: Option<u32>,
}
