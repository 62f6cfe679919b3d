//! Callbacks: the app's own server is told, by HTTP, of what has happened ("after") and asked what may ("before").
//!
//! Each endpoint of the configuration is a consumer of its own with its own commands, secret and position; see the module
//! above for what a consumer is. Names, query and bodies are those of the API that ours follows
//! (docs/CALLBACKS.md); the signature is that of Standard Webhooks.
//!
//! ```text
//!  POST <url>?SdkAppid=..&CallbackCommand=..&contenttype=json&ClientIP=..&OptPlatform=..
//!  webhook-id: <delivery id>          the same at every try
//!  webhook-timestamp: <Unix seconds>  of this try
//!  webhook-signature: v1,<base64 of HMAC-SHA256(secret, "id.timestamp.body")>
//! ```

mod after;
mod before;
mod command;
mod platform;
mod post;
mod sign;
mod state;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duolog_topics::{EventKind, RawJson};
use serde::{Deserialize, Serialize};

use super::{Attempt, Consumer, Delivery, Joined, Settings};
use crate::config::{CallbackTarget, Config, ConfigError};

pub use before::Before;
pub use command::Command;
pub use post::{Post, PostError, Sender};

/// One endpoint's "after" callbacks.
pub struct Callbacks {
    name: String,
    commands: BTreeSet<Command>,
    sender: Sender,
    settings: Settings,
}

/// What the callbacks of all endpoints have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallbackSettings {
    pub sdkappid: u64,
    /// For one try.
    pub time_limit: Duration,
    pub parallel: usize,
    pub give_up: Duration,
}

impl CallbackSettings {
    /// # Errors
    /// If the app's number is not known yet.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            sdkappid: config.app_identity()?.sdkappid,
            time_limit: Duration::from_millis(config.callback.timeout_ms.into()),
            parallel: config.callback.parallel as usize,
            give_up: Duration::from_secs(u64::from(config.callback.give_up_hours) * 3_600),
        })
    }
}

/// One callback as it goes out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Callback {
    pub command: String,
    #[serde(default)]
    pub client_ip: String,
    pub platform: String,
    /// JSON.
    pub body: RawJson,
}

impl Callbacks {
    /// The name of an endpoint's consumer.
    pub fn consumer_name(endpoint: &str) -> String {
        format!("callback.{endpoint}")
    }

    /// An endpoint's consumer; none if it is not told of anything after it happened.
    ///
    /// # Errors
    /// [`PostError`]: the secret or the HTTP client.
    pub fn new(target: &CallbackTarget, settings: CallbackSettings) -> Result<Option<Self>, PostError> {
        let commands: BTreeSet<Command> =
            target.commands.iter().filter_map(|name| Command::from_name(name)).filter(|one| one.is_after()).collect();
        if commands.is_empty() {
            return Ok(None);
        }
        let CallbackSettings { parallel, give_up, .. } = settings;
        Ok(Some(Self {
            name: Self::consumer_name(&target.name),
            commands,
            sender: Sender::new(target, settings)?,
            settings: Settings { parallel, batch: 1, give_up },
        }))
    }
}

impl Consumer for Callbacks {
    type Payload = Callback;

    fn name(&self) -> &str {
        &self.name
    }

    fn settings(&self) -> Settings {
        self.settings
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.commands.iter().any(|command| command.kinds().contains(&kind))
    }

    fn deliveries(&self, record: &Joined<'_>) -> Vec<Delivery<Callback>> {
        after::callbacks(record, &self.commands)
    }

    async fn deliver(&self, batch: &[Arc<Delivery<Callback>>]) -> Attempt {
        for delivery in batch {
            let post = Post { id: &delivery.id, callback: &delivery.payload };
            if let Err(failure) = self.sender.send(post).await {
                return Attempt::Retry { reason: failure.reason, after: failure.after };
            }
        }
        Attempt::Done
    }
}
