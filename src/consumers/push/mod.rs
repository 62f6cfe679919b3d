//! Offline push: whoever has a message waiting and no app open hears of it through Apple's or Google's push service.
//!
//! ```text
//!  message.sent / message.arrived      session.closed / app.state.set      broadcast.issued
//!        │ nobody in the foreground           │ the last app is gone, and had     │ with OfflinePushInfo
//!        │                                    │ not taken all that it was told    │
//!        ▼                                    ▼                                   ▼
//!     Unseen (unseen.rs)                   Ended (missed.rs)                   ToAll (everybody.rs)
//!        └──────────────── a delivery of the consumer push.apns or push.fcm ──────┘
//!        │  asked of the rows now: read, taken, recalled, too old, attended, muted?      (due.rs)
//!        ▼
//!     Ready {message, tokens, badges}
//!        │  text, sound, badge, the app's data                   (text.rs, notice.rs, info.rs)
//!        ▼
//!     Notice ── fit into 4 KB (fit.rs) ── the service's own form (apns/, fcm/)
//!        │  one request a token
//!        ▼
//!     taken ► done     token gone ► push.token.set, empty     refused ► dead letter     busy, down ► again
//! ```
//!
//! Each service is a consumer of its own with its own position: one that is down holds up nothing but itself. A push is
//! an announcement and not the message: it is made from what the rows say when it goes out, it may come twice (with the same
//! id, so that a device shows it once), and it is dropped when there is nothing left to announce. A token goes only if the
//! configuration cannot be what is wrong (proven.rs).

mod apns;
mod consumer;
mod due;
mod everybody;
mod fcm;
mod fit;
mod info;
mod jwt;
mod mailboxes;
mod metrics;
mod missed;
mod notice;
mod proven;
mod pusher;
mod service;
mod text;
mod unseen;

pub use apns::{Apns, ApnsError};
pub use consumer::Announced;
pub use fcm::{Fcm, FcmError};
pub use mailboxes::Mailboxes;
pub use pusher::Pusher;
pub use service::PushService;

use crate::config::{Config, ConfigError, PushWords};
use crate::consumers::Consumers;
use crate::engine::Engine;

/// The push services that the configuration turns on, with credentials that can be used.
pub struct Services {
    apns: Option<Apns>,
    fcm: Option<Fcm>,
    words: PushWords,
}

impl Services {
    /// # Errors
    /// If a service's credentials cannot be read or used.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let apns = config.apns_target()?.map(Apns::new).transpose();
        let fcm = config.fcm_target()?.map(Fcm::new).transpose();
        Ok(Self {
            apns: apns.map_err(|error| config.error("push.apns.key_file", error.to_string()))?,
            fcm: fcm.map_err(|error| config.error("push.fcm.service_account_file", error.to_string()))?,
            words: config.push_words.clone(),
        })
    }

    /// A consumer for each of them.
    pub fn join(mut self, consumers: &mut Consumers, engine: &Engine) {
        self.apns(engine.clone()).into_iter().for_each(|apns| consumers.add(apns));
        self.fcm(engine.clone()).into_iter().for_each(|fcm| consumers.add(fcm));
    }

    /// The consumer of Apple's service, over these mailboxes; once.
    pub fn apns<M: Mailboxes>(&mut self, mailboxes: M) -> Option<Pusher<Apns, M>> {
        Some(Pusher::new(self.apns.take()?, mailboxes, self.words.clone()))
    }

    /// The consumer of Google's service, over these mailboxes; once.
    pub fn fcm<M: Mailboxes>(&mut self, mailboxes: M) -> Option<Pusher<Fcm, M>> {
        Some(Pusher::new(self.fcm.take()?, mailboxes, self.words.clone()))
    }
}
