//! What can be configured and is not built yet. A set value is never ignored in silence: the server refuses to start.
//!
//! Whoever builds a capability removes its line.

use super::value::{Provider, StoreUrl};
use super::{Config, ConfigError};

struct Missing {
    key: &'static str,
    asked_for: fn(&Config) -> bool,
    what: &'static str,
}

const MISSING: &[Missing] = &[
    Missing {
        key: "log.provider",
        asked_for: |config| config.log.provider == Provider::Kafka,
        what: "this version has no log on Kafka yet; it takes \"embedded\"",
    },
    Missing {
        key: "callback.url",
        asked_for: |config| config.callback.url.is_some(),
        what: "this version sends no callbacks yet; leave it empty",
    },
    Missing {
        key: "callback.endpoints",
        asked_for: |config| !config.endpoints.is_empty(),
        what: "this version sends no callbacks yet; leave them out",
    },
    Missing {
        key: "push.apns.key_file",
        asked_for: |config| config.apns.key_file.is_some(),
        what: "this version sends no offline push yet; leave it empty",
    },
    Missing {
        key: "push.fcm.service_account_file",
        asked_for: |config| config.fcm.service_account_file.is_some(),
        what: "this version sends no offline push yet; leave it empty",
    },
    Missing {
        key: "checkpoint.url",
        asked_for: |config| matches!(config.checkpoint.url, StoreUrl::S3 { .. }),
        what: "this version keeps checkpoints in a folder only; it takes file:FOLDER",
    },
];

impl Config {
    /// # Errors
    /// If a key asks for something that this program cannot do: all such keys.
    pub fn refuse_missing(&self) -> Result<(), ConfigError> {
        let asked = MISSING.iter().filter(|missing| (missing.asked_for)(self));
        let problems: Vec<_> = asked.map(|missing| self.problem(missing.key, missing.what)).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }
}
