use duolog_topics::RawJson;
use serde::Deserialize;
use thiserror::Error;

use super::kinds::{Number, Text};
use super::{Members, object, plain};
use crate::error::Code;

/// The longest OfflinePushInfo, as JSON: as much as a message's body by default; push services take less.
pub const PUSH_INFO_BYTES: usize = 8192;

/// Why an OfflinePushInfo is refused.
#[derive(Debug, Error)]
pub enum PushInfoError {
    /// It is longer than [`PUSH_INFO_BYTES`].
    #[error("push info has {0} bytes of at most {PUSH_INFO_BYTES}")]
    TooLong(usize),
    /// It is no object, or one of its members has a wrong type or value.
    #[error("push info is malformed")]
    Malformed(#[from] serde_json::Error),
}

impl PushInfoError {
    /// The public code that a caller gets.
    pub fn code(&self) -> Code {
        Code::OFFLINE_PUSH_INFO_INVALID
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "deserializing it is the check")]
struct PushInfo {
    push_flag: Option<PushFlag>,
    title: Option<Text>,
    desc: Option<Text>,
    ext: Option<Text>,
    android_info: Option<Members<AndroidInfo>>,
    apns_info: Option<Members<ApnsInfo>>,
}

/// 0 pushes, 1 does not.
#[derive(Deserialize)]
#[serde(try_from = "u64")]
struct PushFlag;

impl TryFrom<u64> for PushFlag {
    type Error = &'static str;

    fn try_from(flag: u64) -> Result<Self, Self::Error> {
        if flag <= 1 { Ok(Self) } else { Err("PushFlag is neither 0 nor 1") }
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "deserializing it is the check")]
struct AndroidInfo {
    #[serde(rename = "Sound")]
    sound: Option<Text>,
    #[serde(rename = "GoogleChannelID")]
    google_channel: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "deserializing it is the check")]
struct ApnsInfo {
    sound: Option<Text>,
    badge_mode: Option<Number>,
    title: Option<Text>,
    sub_title: Option<Text>,
    image: Option<Text>,
    mutable_content: Option<Number>,
    content_available: Option<Number>,
    /// Any word: Apple's service passes it on unread, and devices may know later ones.
    interruption_level: Option<Text>,
}

/// Checks an OfflinePushInfo and returns its text unchanged.
///
/// Checked are the types of the members that this server reads, and the value of `PushFlag`. All others are kept and passed
/// on as they are.
///
/// # Errors
/// [`PushInfoError`].
pub fn check_push_info(info: &str) -> Result<RawJson, PushInfoError> {
    let info = info.trim_ascii();
    if info.len() > PUSH_INFO_BYTES {
        return Err(PushInfoError::TooLong(info.len()));
    }
    plain::check(info)?;
    serde_json::from_str::<PushInfo>(object(info)?)?;
    Ok(RawJson::from_checked(info))
}
