use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Version};
use axum::response::{IntoResponse as _, Response};
use duolog::gateway::listener::{self, Listener};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::harness::PATIENCE;

/// A push service that is not Apple's or Google's: HTTP/2 over TLS, with a certificate of its own authority.
///
/// A request is "to" a device's token, or to `sign-in` where a bearer token is asked for.
pub struct StandIn {
    pub url: String,
    state: Arc<Answers>,
    stop: watch::Sender<bool>,
}

/// What one request was.
#[derive(Clone, Debug)]
pub struct Seen {
    pub to: String,
    pub path: String,
    pub version: Version,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

/// What a stand-in answers.
#[derive(Clone, Debug)]
pub enum Reply {
    Says {
        status: u16,
        retry_after: Option<u32>,
        body: Value,
    },
    /// Nothing, ever.
    Hangs,
    /// This, but not before it is let go.
    Held(Arc<Notify>, Box<Reply>),
}

#[derive(Default)]
struct Answers {
    seen: Mutex<Vec<Seen>>,
    came: Condvar,
    once: Mutex<HashMap<String, VecDeque<Reply>>>,
    always: Mutex<HashMap<String, Reply>>,
}

/// The certificate of the authority, for whoever is to trust stand-ins.
pub fn authority() -> String {
    tls_file("ca.pem")
}

fn tls_file(name: &str) -> String {
    format!("{}/tests/it/push/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

impl Reply {
    pub fn says(status: u16, body: Value) -> Self {
        Self::Says { status, retry_after: None, body }
    }

    /// Busy, and wants to be asked again after a second.
    pub fn busy(status: u16) -> Self {
        Self::Says { status, retry_after: Some(1), body: json!({"reason": "busy"}) }
    }
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl StandIn {
    pub fn start() -> Self {
        let state = Arc::<Answers>::default();
        let (stop, stopped) = watch::channel(false);
        let (send, receive) = std::sync::mpsc::channel();
        let app = Router::new().fallback(answer).with_state(state.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
                send.send(tcp.local_addr().expect("an address")).expect("somebody waits for it");
                let (certificate, key) = (tls_file("server.pem"), tls_file("server.key"));
                let tls = listener::tls(Path::new(&certificate), Path::new(&key)).expect("a certificate");
                let ended = stopped.clone();
                let mut ending = stopped;
                tokio::select! {
                    () = Listener::new(tcp, Some(tls), 1_000).serve(app, ended) => {}
                    // Whoever was never answered is not waited for.
                    _ = ending.wait_for(|stop| *stop) => {}
                }
            });
        });
        let address = receive.recv().expect("the stand-in starts");
        Self { url: format!("https://{address}"), state, stop }
    }

    /// The next request to somebody gets this answer, and the one after it the next.
    pub fn once(&self, to: &str, reply: Reply) {
        self.state.once.lock().unwrap().entry(to.to_owned()).or_default().push_back(reply);
    }

    /// Every request to somebody gets this answer.
    pub fn always(&self, to: &str, reply: Reply) {
        self.state.always.lock().unwrap().insert(to.to_owned(), reply);
    }

    /// From now on requests to somebody succeed.
    pub fn heal(&self, to: &str) {
        self.state.once.lock().unwrap().remove(to);
        self.state.always.lock().unwrap().remove(to);
    }

    /// Waits for a request to somebody and takes it; earlier ones to others stay.
    pub fn next(&self, to: &str) -> Seen {
        let until = Instant::now() + PATIENCE;
        let mut seen = self.state.seen.lock().unwrap();
        loop {
            if let Some(place) = seen.iter().position(|seen| seen.to == to) {
                return seen.remove(place);
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no request to {to}, but {seen:?}");
            seen = self.state.came.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// To whom the requests were that nobody has taken, in their order.
    pub fn left(&self) -> Vec<String> {
        self.state.seen.lock().unwrap().iter().map(|seen| seen.to.clone()).collect()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

impl Answers {
    fn reply(&self, to: &str) -> Reply {
        let once = self.once.lock().unwrap().get_mut(to).and_then(VecDeque::pop_front);
        once.or_else(|| self.always.lock().unwrap().get(to).cloned()).unwrap_or_else(|| {
            let granted = json!({"access_token": "bearer", "expires_in": 3600, "token_type": "Bearer"});
            Reply::says(200, if to == SIGN_IN { granted } else { json!({"name": "taken"}) })
        })
    }
}

/// Whom a sign-in is "to".
pub const SIGN_IN: &str = "sign-in";

async fn answer(State(answers): State<Arc<Answers>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.expect("a body").to_vec()).expect("UTF-8");
    let path = head.uri.path().to_owned();
    let to = whom(&path, &text);
    let seen = Seen { to: to.clone(), path, version: head.version, headers: names(&head.headers), text };
    answers.seen.lock().unwrap().push(seen);
    answers.came.notify_all();
    let mut reply = answers.reply(&to);
    while let Reply::Held(gate, then) = reply {
        gate.notified().await;
        reply = *then;
    }
    match reply {
        Reply::Hangs | Reply::Held(..) => std::future::pending().await,
        Reply::Says { status, retry_after, body } => {
            let mut response = Response::new(Body::from(body.to_string()));
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", seconds.into());
            }
            response.into_response()
        }
    }
}

fn whom(path: &str, text: &str) -> String {
    if let Some(token) = path.strip_prefix("/3/device/") {
        return token.to_owned();
    }
    if path == "/token" {
        return SIGN_IN.to_owned();
    }
    let message: Value = serde_json::from_str(text).expect("JSON");
    message["message"]["token"].as_str().expect("a token").to_owned()
}

fn names(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &axum::http::HeaderValue| value.to_str().expect("ASCII").to_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
