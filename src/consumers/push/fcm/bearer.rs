use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::{FcmError, ServiceAccount, address};
use crate::consumers::http;
use crate::consumers::push::jwt::Signer;
use crate::consumers::push::service::{Answer, wall_seconds};

/// What the bearer token may be used for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// The longest life of a signed statement, in seconds.
const STATEMENT_LIFE: u64 = 3600;
/// A bearer token is replaced this many seconds before its end, so that none runs out on its way.
const MARGIN: u64 = 60;
/// `grant_type` of RFC 7523, percent-encoded; the statement behind it needs no encoding.
const FORM: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";

/// Gives out bearer tokens: fetched once and used by all pushes until they run out.
pub struct BearerSource {
    client: Client,
    signer: Signer,
    account: ServiceAccount,
    token_uri: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bearer: Option<Bearer>,
    /// When fetching last failed, and how.
    failed: Option<(Instant, Answer)>,
}

struct Bearer {
    token: String,
    /// Unix seconds.
    until: u64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl BearerSource {
    /// # Errors
    /// If the account's key or its address of tokens is none.
    pub fn new(client: Client, account: ServiceAccount) -> Result<Self, FcmError> {
        let signer = Signer::rs256(&account.private_key)?;
        let token_uri = address(&account.token_uri)?;
        Ok(Self { client, signer, account, token_uri, state: Mutex::default() })
    }

    /// The token to use now. Pushes that need a new one at the same time wait for one exchange, also when it fails.
    ///
    /// # Errors
    /// What becomes of the push instead.
    pub async fn get(&self) -> Result<String, Answer> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        let now = wall_seconds();
        if let Some(bearer) = state.bearer.as_ref().filter(|bearer| now + MARGIN < bearer.until) {
            return Ok(bearer.token.clone());
        }
        if let Some((_, answer)) = state.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(answer.clone());
        }
        match self.exchange(now).await {
            Ok(granted) => {
                let token = granted.access_token;
                state.bearer = Some(Bearer { token: token.clone(), until: now.saturating_add(granted.expires_in) });
                Ok(token)
            }
            Err(answer) => {
                state.failed = Some((Instant::now(), answer.clone()));
                Err(answer)
            }
        }
    }

    /// The service did not accept this token: the next push gets another one.
    pub async fn forget(&self, token: &str) {
        let mut state = self.state.lock().await;
        if state.bearer.as_ref().is_some_and(|bearer| bearer.token == token) {
            state.bearer = None;
        }
    }

    async fn exchange(&self, now: u64) -> Result<Granted, Answer> {
        let claims = json!({"iss": self.account.client_email, "scope": SCOPE, "aud": self.account.token_uri,
            "iat": now, "exp": now + STATEMENT_LIFE});
        let statement = self.signer.sign(&self.account.private_key_id, &claims);
        let statement = statement.map_err(|error| Answer::later(error.to_string()))?;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let request = self.client.post(self.token_uri.clone()).header(CONTENT_TYPE, form);
        let response =
            request.body(format!("{FORM}{statement}")).send().await.map_err(|error| Answer::unreached(&error))?;
        let (status, after) = (response.status(), http::retry_after(response.headers()));
        let body = http::body(response).await.map_err(|error| Answer::unreached(&error))?;
        if !status.is_success() {
            let why = format!("sign-in: {} {}", status.as_u16(), excerpt(&body));
            return Err(Answer::Later { why, after });
        }
        serde_json::from_slice(&body).map_err(|error| Answer::later(format!("sign-in: {error}")))
    }
}

/// The beginning of an error's text; it holds no secret, but may be a page of HTML.
fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(200).collect()
}
