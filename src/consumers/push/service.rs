//! What both push services have in common: what a push is, what can become of it, and how they are reached.

use std::future::Future;
use std::time::Duration;

use duolog_topics::{Platform, PushProvider};
use reqwest::redirect::Policy;
use uuid::Uuid;

use super::notice::{Notice, System};
use crate::clock::wall;
use crate::consumers::http;
use crate::domain::rows::PushTokenRow;

/// A service that takes no connection, or does not answer, is given up for this time: the push is tried again later.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Between pushes the connection stays open for this long: both services ask for few and long connections.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// A connection that died is noticed by a ping of HTTP/2, not by the first push of a quiet hour.
const PING_INTERVAL: Duration = Duration::from_secs(60);

/// One notice on its way to one device.
#[derive(Clone, Debug)]
pub struct Push<'a> {
    /// The same at every repeat: a device that gets it twice shows it once.
    pub id: Uuid,
    pub to: &'a PushTokenRow,
    pub notice: Notice,
    /// How long the service may keep it for a device that cannot be reached.
    pub life: Duration,
}

/// What a push service says to a push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Taken,
    /// The token reaches no device any more: it is forgotten.
    TokenGone(String),
    /// It will never be taken as it is.
    Refused(String),
    /// It may be taken later: the service is busy, does not answer, or does not know our credentials.
    Later {
        why: String,
        after: Option<Duration>,
    },
}

impl Answer {
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }

    /// Nobody answered.
    pub fn unreached(error: &reqwest::Error) -> Self {
        Self::later(http::failure(error))
    }
}

/// A push service.
pub trait PushService: Send + Sync + 'static {
    const PROVIDER: PushProvider;
    /// The service's name in metrics and logs.
    const NAME: &'static str;
    /// The name of its consumer in positions and dead letters.
    const CONSUMER: &'static str;

    /// Which half of a push info counts for a device of this service.
    fn system(platform: Platform) -> System;

    /// Hands over one push and waits for the answer: at most 10 s, and as long again for a second try.
    fn push(&self, push: Push<'_>) -> impl Future<Output = Answer> + Send;
}

/// A client for one service: TLS as the system trusts it (`SSL_CERT_FILE` names other roots), HTTP/2 where the service
/// has it, no redirects.
///
/// # Errors
/// If the system's root certificates cannot be read.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Whoever was first in this process has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(ANSWER_TIMEOUT)
        .http2_keep_alive_while_idle(true)
        .redirect(Policy::none())
        .user_agent(concat!("duolog/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Unix seconds of the wall clock, which the services compare our tokens with.
pub fn wall_seconds() -> u64 {
    wall() / 1000
}
