//! Firebase Cloud Messaging: the HTTP v1 API, signed in as a service account.
//!
//! The message, the error codes and the sign-in are those of Google's documents "REST Resource: projects.messages",
//! "ErrorCode" and "Using OAuth 2.0 for Server to Server Applications".

mod account;
mod answer;
mod bearer;
mod message;

use duolog_topics::{Platform, PushProvider};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url};
use thiserror::Error;

use self::account::ServiceAccount;
use self::answer::{Reply, Verdict};
use self::bearer::BearerSource;
use super::fit::fit;
use super::jwt::KeyError;
use super::notice::System;
use super::proven::Proven;
use super::service::{self, Answer, Push, PushService};
use crate::config::FcmTarget;
use crate::consumers::http;

/// Why FCM cannot be used.
#[derive(Debug, Error)]
pub enum FcmError {
    #[error("it is no service account's file: {0}")]
    Account(#[from] serde_json::Error),
    #[error("its private_key: {0}")]
    Key(#[from] KeyError),
    #[error("no address: {0}")]
    Address(String),
    #[error("no connection can be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// A client of FCM.
pub struct Fcm {
    client: Client,
    bearer: BearerSource,
    send: Url,
    proven: Proven,
}

impl Fcm {
    /// # Errors
    /// [`FcmError`].
    pub fn new(target: FcmTarget) -> Result<Self, FcmError> {
        let account: ServiceAccount = serde_json::from_str(&target.account)?;
        let client = service::client()?;
        let mut send = address(&target.url)?;
        if let Ok(mut path) = send.path_segments_mut() {
            path.pop_if_empty().extend(["v1", "projects", &account.project_id, "messages:send"]);
        }
        Ok(Self { bearer: BearerSource::new(client.clone(), account)?, client, send, proven: Proven::default() })
    }

    /// One request, with this bearer token.
    async fn ask(&self, message: Vec<u8>, bearer: &str) -> reqwest::Result<Reply> {
        let request = self.client.post(self.send.clone()).bearer_auth(bearer);
        let json = HeaderValue::from_static("application/json");
        let response = request.header(CONTENT_TYPE, json).body(message).send().await?;
        let (status, after) = (response.status(), http::retry_after(response.headers()));
        let body = http::body(response).await?;
        Ok(Reply::new(status, after, &body))
    }
}

fn address(text: &str) -> Result<Url, FcmError> {
    Url::parse(text).map_err(|_| FcmError::Address(text.to_owned()))
}

impl PushService for Fcm {
    const PROVIDER: PushProvider = PushProvider::Fcm;
    const NAME: &'static str = "fcm";
    const CONSUMER: &'static str = "push.fcm";

    /// Firebase serves apps on Apple's devices too, through APNs.
    fn system(platform: Platform) -> System {
        match platform {
            Platform::Iphone | Platform::Ipad | Platform::Mac => System::Apple,
            Platform::Android | Platform::Windows | Platform::Web | Platform::Linux => System::Android,
        }
    }

    async fn push(&self, mut push: Push<'_>) -> Answer {
        // The limit is on what the device gets: its token does not count.
        push.notice = fit(push.notice.clone(), |notice| message::payload_bytes(&push, notice));
        let message = message::encode(&push, &push.notice);
        // Twice: a bearer token that was taken back early is fetched anew.
        for last in [false, true] {
            let bearer = match self.bearer.get().await {
                Ok(bearer) => bearer,
                Err(answer) => return answer,
            };
            let reply = match self.ask(message.clone(), &bearer).await {
                Ok(reply) => reply,
                Err(error) => return Answer::unreached(&error),
            };
            match reply.verdict(&self.proven) {
                Verdict::Answer(answer) => return answer,
                Verdict::BearerRefused(why) if last => return Answer::later(why),
                Verdict::BearerRefused(_) => self.bearer.forget(&bearer).await,
            }
        }
        Answer::later("the bearer token is not accepted")
    }
}
