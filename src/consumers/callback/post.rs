use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName};
use reqwest::{Client, StatusCode, Url};
use thiserror::Error;

use super::sign::Signer;
use super::{Callback, CallbackSettings};
use crate::clock::wall;
use crate::config::CallbackTarget;
use crate::consumers::http;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Why an endpoint cannot be posted to at all.
#[derive(Debug, Error)]
pub enum PostError {
    #[error("callback endpoint {0}: what follows whsec_ in its secret is not base64")]
    Secret(String),
    #[error("callback endpoint {0}: its address cannot be used")]
    Url(String),
    #[error("the HTTP client cannot be made")]
    Client(#[from] reqwest::Error),
}

/// A callback and the id that all of its tries have.
pub struct Post<'a> {
    pub id: &'a str,
    pub callback: &'a Callback,
}

/// Why a try failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub reason: String,
    /// The receiver's wish, as `Retry-After` says.
    pub after: Option<Duration>,
}

/// Posts to one endpoint, over connections that it keeps.
pub struct Sender {
    client: Client,
    url: Url,
    sdkappid: u64,
    signer: Option<Signer>,
}

impl Sender {
    /// # Errors
    /// [`PostError`].
    pub fn new(target: &CallbackTarget, settings: CallbackSettings) -> Result<Self, PostError> {
        // reqwest asks for the process's provider; the one that is installed already is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(settings.time_limit)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(settings.parallel)
            .build()?;
        let signer = match target.secret.is_empty() {
            true => None,
            false => {
                let signer = Signer::new(target.secret.reveal());
                Some(signer.ok_or_else(|| PostError::Secret(target.name.clone()))?)
            }
        };
        let url = Url::parse(target.url.as_str()).map_err(|_| PostError::Url(target.name.clone()))?;
        Ok(Self { client, url, sdkappid: settings.sdkappid, signer })
    }

    /// One try; it succeeds with any 2xx. Gives the answer's body.
    ///
    /// # Errors
    /// `Failure`.
    pub async fn send(&self, post: Post<'_>) -> Result<Vec<u8>, Failure> {
        let body = post.callback.body.as_str().as_bytes().to_vec();
        let now = wall() / 1000;
        let mut request = self
            .client
            .post(self.url_of(post.callback))
            .header(CONTENT_TYPE, "application/json")
            .header(ID, post.id)
            .header(TIMESTAMP, now);
        if let Some(signer) = &self.signer {
            request = request.header(SIGNATURE, signer.sign(post.id, now, &body));
        }
        let response = request.body(body).send().await.map_err(|error| Failure::from_client(&error))?;
        let status = response.status();
        let after = http::retry_after(response.headers());
        let body = http::body(response).await.map_err(|error| Failure::from_client(&error));
        if status.is_success() {
            return body;
        }
        Err(Failure { reason: format!("the receiver answered {status}"), after: after.filter(|_| wishes(status)) })
    }

    fn url_of(&self, callback: &Callback) -> Url {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("SdkAppid", &self.sdkappid.to_string())
            .append_pair("CallbackCommand", &callback.command)
            .append_pair("contenttype", "json")
            .append_pair("ClientIP", &callback.client_ip)
            .append_pair("OptPlatform", &callback.platform);
        url
    }
}

impl Failure {
    fn from_client(error: &reqwest::Error) -> Self {
        Self { reason: http::failure(error), after: None }
    }
}

fn wishes(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}
