//! Who gets callbacks: `callback.url` under the name "default", and each `[[callback.endpoints]]`.

use super::value::{Secret, Url};
use super::{Config, ConfigError, Endpoint};

/// The name that `callback.url` goes by in logs, metrics and positions.
pub const DEFAULT_ENDPOINT: &str = "default";

/// The callbacks that there are.
pub const CALLBACK_COMMANDS: &[&str] = &[
    BEFORE_SEND,
    "C2C.CallbackAfterSendMsg",
    "C2C.CallbackAfterMsgReport",
    "C2C.CallbackAfterMsgWithDraw",
    "State.StateChange",
    "Sns.CallbackFriendAdd",
    "Sns.CallbackFriendDelete",
    "Sns.CallbackBlackListAdd",
    "Sns.CallbackBlackListDelete",
    "Profile.CallbackPortraitSet",
];

/// The one that is asked before something happens: at most one endpoint can have it.
pub(super) const BEFORE_SEND: &str = "C2C.CallbackBeforeSendMsg";

/// One receiver of callbacks, ready to be used.
#[derive(Clone, Debug)]
pub struct CallbackTarget {
    pub name: String,
    pub url: Url,
    /// Empty: requests are not signed.
    pub secret: Secret,
    pub commands: Vec<String>,
}

impl Config {
    /// Every receiver of callbacks, secrets read from their files.
    ///
    /// # Errors
    /// If a secret's file cannot be read or is empty.
    pub fn callback_targets(&self) -> Result<Vec<CallbackTarget>, ConfigError> {
        let mut targets = Vec::new();
        if let Some(url) = self.callback.url.clone() {
            let secret =
                self.secret("callback.secret_file", &self.callback.secret, self.callback.secret_file.as_ref())?;
            let commands = self.callback.commands.clone();
            targets.push(CallbackTarget { name: DEFAULT_ENDPOINT.to_owned(), url, secret, commands });
        }
        for (number, endpoint) in self.endpoints.iter().enumerate() {
            let key = format!("{}.{number}.secret_file", Endpoint::SECTION.name);
            let secret = self.secret(&key, &endpoint.secret, endpoint.secret_file.as_ref())?;
            let (name, commands) = (endpoint.name.clone(), endpoint.commands.clone());
            let url = endpoint.url.clone().expect("an endpoint without an address is refused when it is read");
            targets.push(CallbackTarget { name, url, secret, commands });
        }
        Ok(targets)
    }
}
