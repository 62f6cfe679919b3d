use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Millis, Platform, Via};

/// An account exists since here: imported by the server API, or made by its first login. Of an account that exists
/// already it sets the given fields.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AccountImported {
    /// The profile's nickname, at most 500 bytes; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    /// The profile's picture, at most 500 bytes; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face_url: Option<String>,
}

/// The account, its profile and its relations are gone. If it is made again, its sequences go on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AccountDeleted {}

/// All sessions of the account end, and older signatures are refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AccountKicked {
    /// Unix seconds: a signature whose `TLS.time` is below is refused.
    pub not_before: u64,
}

/// A profile field's value: the tags of the server API hold texts and unsigned numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "neither a text nor an unsigned number")]
pub enum TagValue {
    /// For example `Tag_Profile_IM_BirthDay`.
    Number(u64),
    /// At most 500 bytes.
    Text(String),
}

/// One field of a profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProfileItem {
    /// The server API's name of the field: `Tag_Profile_IM_Nick`, `Tag_Profile_Custom_Level` ...
    pub tag: String,
    /// Its new value.
    pub value: TagValue,
}

/// Fields of the user's profile were set; fields that are not named stay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProfileChanged {
    /// Each tag once.
    pub items: Vec<ProfileItem>,
    /// Who asked, and from where; absent: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// The user may not send until a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MuteChanged {
    /// Unix milliseconds: one-to-one messages are refused until then; 18446744073709551615 is for ever, 0 lifts.
    /// Absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c2c_until: Option<Millis>,
    /// Unix milliseconds, read as `c2c_until`, for group messages: kept and answered, without effect here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_until: Option<Millis>,
}

/// Through whom an offline push goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushProvider {
    /// Apple Push Notification service.
    Apns,
    /// Firebase Cloud Messaging.
    Fcm,
}

/// A device can be reached by offline push, or no longer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PushTokenSet {
    /// The client's name of the device, 1 to 64 characters.
    pub device: String,
    /// What the device runs on.
    pub platform: Platform,
    /// Who issued the token.
    pub provider: PushProvider,
    /// The provider's token. Empty: the device is no longer reached.
    pub token: String,
    /// The sound of a push whose message names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// APNs: `production` or `sandbox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// APNs: the app's bundle id, if it is not the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Whether the user wants pushes on this device.
    pub enabled: bool,
    /// Only if the device's token is still this one, as when its service says that it reaches nobody. Absent: whatever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// A device's app went to the background, where it is pushed to as if it had no link, or came back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AppStateSet {
    /// The client's name of the device.
    pub device: String,
    /// True: to the background; false: to the foreground.
    pub background: bool,
    /// The number on the app's icon, from which pushes count on; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge: Option<u32>,
}
