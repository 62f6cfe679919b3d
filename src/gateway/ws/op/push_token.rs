use duolog_topics::{PushProvider, PushTokenSet};
use serde::Deserialize;

use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// The longest token, topic or sound, in bytes; FCM's tokens have about 200, APNs' fewer.
const TEXT_BYTES: usize = 1024;

/// `push_token`: how this device is reached while it is offline; an empty token removes it.
#[derive(Deserialize)]
pub struct PushToken {
    provider: PushProvider,
    token: String,
    sound: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    environment: Option<String>,
    topic: Option<String>,
}

fn yes() -> bool {
    true
}

impl PushToken {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let token: Self = object(args)?;
        let texts = [Some(&token.token), token.sound.as_ref(), token.environment.as_ref(), token.topic.as_ref()];
        if texts.into_iter().flatten().any(|text| text.len() > TEXT_BYTES) {
            return Err(Failure::malformed(format!("a text has more than {TEXT_BYTES} bytes")));
        }
        Ok(token)
    }

    /// # Errors
    /// What the log decides.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let event = PushTokenSet {
            device: context.identity.device.clone(),
            platform: context.identity.platform,
            provider: self.provider,
            token: self.token,
            sound: self.sound,
            environment: self.environment,
            topic: self.topic,
            enabled: self.enabled,
            replaces: None,
        };
        context.change(event).await
    }
}
