//! The app's own server: a real HTTP receiver that remembers what it was told and answers as a test wants.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

use crate::harness::PATIENCE;

/// One request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub query: BTreeMap<String, String>,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub text: String,
    pub body: Value,
    /// Whether it was answered with success.
    pub taken: bool,
}

impl Seen {
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn command(&self) -> &str {
        self.body["CallbackCommand"].as_str().expect("CallbackCommand is a text")
    }

    /// The first element's text.
    pub fn said(&self) -> &str {
        self.body["MsgBody"][0]["MsgContent"]["Text"].as_str().expect("a text message")
    }
}

/// What a receiver does with a request.
pub enum Answer {
    Ok(Value),
    Status(u16),
    /// It never answers.
    Hang,
}

impl Answer {
    pub fn ok() -> Self {
        Self::Ok(json!({"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": ""}))
    }
}

type Answering = dyn FnMut(&Seen) -> Answer + Send;

struct Shared {
    seen: Mutex<Vec<Seen>>,
    came: Condvar,
    answer: Mutex<Box<Answering>>,
}

/// A receiver that listens. Dropping it closes it.
pub struct Receiver {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Receiver {
    /// One that takes everything.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), |_| Answer::ok())
    }

    pub fn answering(answer: impl FnMut(&Seen) -> Answer + Send + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), answer)
    }

    pub fn start_at(addr: SocketAddr, answer: impl FnMut(&Seen) -> Answer + Send + 'static) -> Self {
        let shared =
            Arc::new(Shared { seen: Mutex::default(), came: Condvar::new(), answer: Mutex::new(Box::new(answer)) });
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let state = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let socket = TcpSocket::new_v4().expect("a socket");
                socket.set_reuseaddr(true).expect("an address that was used before");
                socket.bind(addr).expect("the port is free");
                let listener = socket.listen(1_024).expect("it listens");
                tell.send(listener.local_addr().expect("an address")).expect("somebody waits");
                let app = Router::new().fallback(take).with_state(state);
                tokio::select! {
                    served = async { axum::serve(listener, app).await } => served.expect("it serves"),
                    _ = stopped => {}
                }
            });
        });
        let addr = told.recv().expect("the receiver starts");
        Self { addr, shared, stop: Some(stop), thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks?app=1", self.addr)
    }

    /// Waits until so many requests of different ids were taken; all that came, in order.
    pub fn taken(&self, count: usize) -> Vec<Seen> {
        self.wait(|seen| {
            let taken = seen.iter().filter(|one| one.taken).map(Seen::id);
            taken.collect::<std::collections::BTreeSet<_>>().len() >= count
        })
    }

    /// Waits for a state of what came.
    pub fn wait(&self, mut until: impl FnMut(&[Seen]) -> bool) -> Vec<Seen> {
        let end = Instant::now() + PATIENCE;
        let mut seen = self.shared.seen.lock();
        while !until(&seen) {
            let late = self.shared.came.wait_until(&mut seen, end).timed_out();
            assert!(!late, "what was waited for did not come; {} came: {seen:#?}", seen.len());
        }
        seen.clone()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().clone()
    }

    /// Closes it; nobody listens at its address then.
    pub fn stop(mut self) -> SocketAddr {
        self.close();
        self.addr
    }

    /// The same, and all that ever came.
    pub fn stop_and_tell(mut self) -> (SocketAddr, Vec<Seen>) {
        self.close();
        (self.addr, self.seen())
    }

    fn close(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.close();
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = String::from_utf8(body.to_vec()).expect("the body is UTF-8");
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.to_string(), value.to_str().expect("a text").to_owned())
    };
    let body = serde_json::from_str(&text).expect("the body is JSON");
    let mut seen = Seen { query, headers: headers.iter().map(header).collect(), text, body, taken: false };
    let answer = (shared.answer.lock())(&seen);
    seen.taken = matches!(answer, Answer::Ok(_));
    shared.seen.lock().push(seen);
    shared.came.notify_all();
    match answer {
        Answer::Ok(reply) => reply.to_string().into_response(),
        Answer::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Answer::Hang => std::future::pending().await,
    }
}
