//! Apple Push Notification service: HTTP/2, a signed provider token, one request a push.
//!
//! Headers, reasons and the form of the payload are those of Apple's document "Sending notification requests to APNs" and
//! "Handling notification responses from APNs".

mod answer;
pub(super) mod payload;
mod provider_token;

use duolog_topics::{Platform, PushProvider};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use thiserror::Error;

use self::answer::{Reply, Verdict};
use self::provider_token::ProviderToken;
use super::fit::fit;
use super::jwt::{KeyError, Signer};
use super::notice::System;
use super::proven::{Part, Proven};
use super::service::{self, Answer, Push, PushService, wall_seconds};
use crate::config::ApnsTarget;
use crate::consumers::http;
use crate::domain::rows::PushTokenRow;

/// Shown at once: what people call a message.
const PRIORITY: &str = "10";
const PUSH_TYPE: &str = "alert";

/// Why APNs cannot be used.
#[derive(Debug, Error)]
pub enum ApnsError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("no address: {0}")]
    Address(String),
    #[error("no connection can be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// A client of APNs.
pub struct Apns {
    client: Client,
    token: ProviderToken,
    topic: String,
    production: Url,
    sandbox: Url,
    proven: Proven,
}

impl Apns {
    /// # Errors
    /// [`ApnsError`].
    pub fn new(target: ApnsTarget) -> Result<Self, ApnsError> {
        let ApnsTarget { key, key_id, team_id, topic, url, sandbox_url } = target;
        let token = ProviderToken::new(Signer::es256(&key)?, key_id, team_id);
        let address = |text: String| Url::parse(&text).map_err(|_| ApnsError::Address(text));
        let (production, sandbox) = (address(url)?, address(sandbox_url)?);
        Ok(Self { client: service::client()?, token, topic, production, sandbox, proven: Proven::default() })
    }

    /// Where a token's device is reached. The token comes from a client, so it is escaped.
    fn address(&self, to: &PushTokenRow) -> Url {
        let mut url = match environment(to) {
            Part::Sandbox => self.sandbox.clone(),
            _ => self.production.clone(),
        };
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["3", "device", &to.token]);
        }
        url
    }

    /// `None` if what the client gave cannot stand in a header.
    fn headers(&self, push: &Push<'_>) -> Option<HeaderMap> {
        let topic = own_topic(push.to).unwrap_or(&self.topic);
        let expires = wall_seconds() + push.life.as_secs();
        let texts = [
            ("apns-id", push.id.to_string()),
            ("apns-topic", topic.to_owned()),
            ("apns-push-type", PUSH_TYPE.to_owned()),
            ("apns-priority", PRIORITY.to_owned()),
            ("apns-expiration", expires.to_string()),
            // A push that is repeated, because its answer was lost, takes the place of the first.
            ("apns-collapse-id", push.id.to_string()),
        ];
        let header = |(name, text): (&'static str, String)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(text).ok()?))
        };
        texts.into_iter().map(header).collect()
    }

    /// One request, with this provider token.
    async fn ask(&self, url: Url, headers: HeaderMap, payload: Vec<u8>, token: &str) -> reqwest::Result<Reply> {
        let request = self.client.post(url).headers(headers).bearer_auth(token).body(payload);
        let response = request.send().await?;
        let (status, after) = (response.status(), http::retry_after(response.headers()));
        let body = http::body(response).await?;
        Ok(Reply::new(status, after, &body))
    }
}

impl PushService for Apns {
    const PROVIDER: PushProvider = PushProvider::Apns;
    const NAME: &'static str = "apns";
    const CONSUMER: &'static str = "push.apns";

    fn system(_: Platform) -> System {
        System::Apple
    }

    async fn push(&self, mut push: Push<'_>) -> Answer {
        push.notice = fit(push.notice, |notice| payload::encode(notice).len());
        let payload = payload::encode(&push.notice);
        let Some(headers) = self.headers(&push) else {
            return Answer::TokenGone("its topic is none".to_owned());
        };
        let url = self.address(push.to);
        // Twice: a provider token that has run out is made anew.
        for last in [false, true] {
            let Ok(token) = self.token.get(wall_seconds()) else {
                return Answer::later("no provider token can be signed");
            };
            let reply = match self.ask(url.clone(), headers.clone(), payload.clone(), &token).await {
                Ok(reply) => reply,
                Err(error) => return Answer::unreached(&error),
            };
            match reply.verdict(environment(push.to), own_topic(push.to).is_some(), &self.proven) {
                Verdict::Answer(answer) => return answer,
                Verdict::TokenExpired(why) => {
                    if last || !self.token.expire(&token, wall_seconds()) {
                        return Answer::later(why);
                    }
                }
            }
        }
        Answer::later("the provider token is not accepted")
    }
}

/// Whose address knows a token, as its client says.
fn environment(to: &PushTokenRow) -> Part {
    match to.environment.as_deref() {
        Some("sandbox" | "development") => Part::Sandbox,
        _ => Part::Production,
    }
}

fn own_topic(to: &PushTokenRow) -> Option<&str> {
    to.topic.as_deref().filter(|topic| !topic.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::jwt::tests::EC_KEY;
    use super::*;

    fn apns() -> Apns {
        Apns::new(ApnsTarget {
            key: EC_KEY.to_owned(),
            key_id: "KEY".to_owned(),
            team_id: "TEAM".to_owned(),
            topic: "com.example".to_owned(),
            url: "https://push.example".to_owned(),
            sandbox_url: "https://sandbox.example/proxy/".to_owned(),
        })
        .unwrap()
    }

    fn address(token: &str, environment: Option<&str>) -> String {
        let to = PushTokenRow {
            provider: PushProvider::Apns,
            token: token.to_owned(),
            sound: None,
            environment: environment.map(str::to_owned),
            topic: None,
            enabled: true,
            platform: Platform::Iphone,
        };
        apns().address(&to).to_string()
    }

    #[test]
    fn the_environment_of_a_token_chooses_the_address() {
        assert_eq!(address("00fc", None), "https://push.example/3/device/00fc");
        assert_eq!(address("00fc", Some("production")), "https://push.example/3/device/00fc");
        assert_eq!(address("00fc", Some("sandbox")), "https://sandbox.example/proxy/3/device/00fc");
    }

    #[test]
    fn a_token_cannot_lead_elsewhere() {
        assert_eq!(address("a/../b?c", None), "https://push.example/3/device/a%2F..%2Fb%3Fc");
        assert_eq!(address("..", None), "https://push.example/3/device");
    }
}
