//! Credentials of the push services, read from their files.

use super::value::Url;
use super::{Config, ConfigError};

/// Apple's service for tokens of released apps, and the one for tokens of apps under development.
const APPLE: &str = "https://api.push.apple.com";
const APPLE_SANDBOX: &str = "https://api.sandbox.push.apple.com";

/// Push to Apple devices, turned on.
#[derive(Clone, PartialEq, Eq)]
pub struct ApnsTarget {
    /// The text of the signing key's file.
    pub key: String,
    pub key_id: String,
    pub team_id: String,
    pub topic: String,
    pub url: String,
    pub sandbox_url: String,
}

/// Push through Firebase, turned on.
#[derive(Clone, PartialEq, Eq)]
pub struct FcmTarget {
    /// The text of the service account's file.
    pub account: String,
    pub url: String,
}

impl Config {
    /// Who we are at Apple's push service, and where that is; `None` if the push is off.
    ///
    /// # Errors
    /// If the key's file cannot be read.
    pub fn apns_target(&self) -> Result<Option<ApnsTarget>, ConfigError> {
        let Some(path) = &self.apns.key_file else { return Ok(None) };
        let key = self.text_of("push.apns.key_file", path)?;
        let (url, sandbox) = (self.apns.url.to_string(), self.apns.sandbox_url.as_ref());
        let sandbox_url = match sandbox.map(Url::to_string) {
            Some(own) => own,
            None if url == APPLE => APPLE_SANDBOX.to_owned(),
            None => url.clone(),
        };
        let apns = self.apns.clone();
        let (key_id, team_id, topic) = (apns.key_id, apns.team_id, apns.topic);
        Ok(Some(ApnsTarget { key, key_id, team_id, topic, url, sandbox_url }))
    }

    /// Who we are at Firebase, and where that is; `None` if the push is off.
    ///
    /// # Errors
    /// If the account's file cannot be read.
    pub fn fcm_target(&self) -> Result<Option<FcmTarget>, ConfigError> {
        let Some(path) = &self.fcm.service_account_file else { return Ok(None) };
        let account = self.text_of("push.fcm.service_account_file", path)?;
        Ok(Some(FcmTarget { account, url: self.fcm.url.to_string() }))
    }
}
