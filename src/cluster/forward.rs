use std::sync::Arc;
use std::time::Duration;

use duolog_topics::Account;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};

use super::auth::{ClusterKey, SIGNATURE, TIME};
use super::directory::{Directory, Owner};
use crate::clock::wall;
use crate::engine::Engine;
use crate::gateway::ws::{Dial, Home};

pub(super) const CLIENT_IP: &str = "x-duolog-client-ip";

/// How long the home of a client may take to accept it.
const DIAL_TIME: Duration = Duration::from_secs(2);

/// Where a client goes whose home is this partition.
pub(super) fn ws_path(partition: u32) -> String {
    format!("/internal/v1/ws/{partition}")
}

/// What of a forwarded WebSocket is signed beside its path.
pub(super) fn signed(ip: &str) -> Vec<u8> {
    ip.as_bytes().to_vec()
}

/// Opens WebSockets to the homes of clients that came in here.
pub struct Forwarder {
    pub engine: Engine,
    pub directory: Arc<Directory>,
    pub key: ClusterKey,
}

impl Dial for Forwarder {
    fn dial(&self, account: &Account, subprotocol: &'static str, ip: Option<&str>) -> BoxFuture<'static, Option<Home>> {
        let partition = self.engine.partition_of(account);
        let (owner, directory) = (self.directory.owner(partition), self.directory.clone());
        let ip = ip.unwrap_or_default().to_owned();
        let (time, key) = (wall(), self.key.clone());
        async move {
            let Owner { epoch, address, .. } = owner?;
            let path = ws_path(partition);
            let mut request = format!("ws://{address}{path}").into_client_request().ok()?;
            let signature = key.sign(&path, time, &signed(&ip));
            let headers = request.headers_mut();
            headers.insert(TIME, HeaderValue::from(time));
            headers.insert(SIGNATURE, HeaderValue::from_str(&signature).ok()?);
            headers.insert(CLIENT_IP, HeaderValue::from_str(&ip).ok()?);
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
            let dialled = tokio::time::timeout(DIAL_TIME, tokio_tungstenite::connect_async(request)).await;
            match dialled {
                Ok(Ok((socket, _))) => {
                    let moved = async move { directory.overtaken(partition, epoch).await }.boxed();
                    Some(Home { socket: Box::new(socket), moved })
                }
                Ok(Err(error)) => {
                    tracing::debug!(address, "the home of a client was not reached: {error}");
                    None
                }
                Err(_) => None,
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::middleware::{Next, from_fn};
    use futures_util::{SinkExt, StreamExt};
    use serde_json::{Value, json};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio_tungstenite::connect_async;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;
    use crate::cluster::{HttpPeers, Internal, router};
    use crate::engine::{Common, ExpiredRows, Parts};
    use crate::gateway::auth::AppKey;
    use crate::gateway::ws::{Settings, WsState, route};
    use crate::log::{Log, MemoryLog};
    use crate::store::{Shared, SharedSizes, Store};

    async fn serve(app: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    /// What a node answers other nodes.
    fn internal(engine: &Engine, app: &AppKey, key: &ClusterKey) -> Router {
        let sessions = WsState::new(engine.clone(), Settings::of(app.clone()), None);
        router(Internal { engine: engine.clone(), sessions, key: key.clone() })
    }

    /// An engine that owns all of a log.
    fn owner(log: &Arc<dyn Log>, dir: &std::path::Path) -> Engine {
        let Common { policy, node, clock, .. } = Common::of(log.clone());
        let shared = Shared::new(SharedSizes::default()).unwrap();
        let expiry = vec![ExpiredRows::new()];
        let stores = vec![Store::open(dir, &shared, expiry[0].clone()).unwrap()];
        let parts = Parts { log: log.clone(), stores, expiry, policy, node, clock: Some(clock), aside: None };
        Engine::open(parts, |_, _, _| {}).unwrap()
    }

    /// A client comes in at one node, while another one that has lost the home is still believed to own it.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_login_waits_until_the_owner_of_its_home_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let (app, key) = (AppKey::new(1_400_000_000, "key"), ClusterKey::new(b"secret"));
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new(1));
        let latter = owner(&log, dir.path());
        let latter_address = serve(internal(&latter, &app, &key)).await;
        let (answered, mut answers) = mpsc::unbounded_channel();
        let listen = from_fn(move |request: Request, next: Next| {
            let answered = answered.clone();
            async move {
                let response = next.run(request).await;
                answered.send(response.status()).unwrap();
                response
            }
        });
        let former = Engine::new(Common::of(log.clone()));
        let former_address = serve(internal(&former, &app, &key).layer(listen)).await;

        let directory = Arc::new(Directory::default());
        directory.learn(0, Owner { epoch: 1, node: "former".to_owned(), address: former_address });
        let peers = HttpPeers::new(directory.clone(), key.clone(), String::new(), Duration::ZERO).unwrap();
        let here = Engine::new(Common { peers: Some(Arc::new(peers)), ..Common::of(log) });
        let forwarder = Forwarder { engine: here.clone(), directory: directory.clone(), key };
        let sessions = WsState::new(here.clone(), Settings::of(app.clone()), Some(Arc::new(forwarder)));
        let (mut client, _) = connect_async(format!("ws://{}/v1/ws", serve(route(sessions)).await)).await.unwrap();
        let (alice, now) = (Account::new("alice").unwrap(), here.now() / 1000);
        let args = json!({
            "account": alice, "user_sig": app.sign(&alice, now, 86_400), "platform": "iphone", "device": "phone",
            "client": {"name": "test", "version": "1"},
        });
        client.send(Message::text(json!({"id": 1, "op": "login", "args": args}).to_string())).await.unwrap();
        let answer = tokio::select! {
            answer = answers.recv() => answer,
            frame = client.next() => panic!("{frame:?}"),
        };
        assert_eq!(answer, Some(StatusCode::MISDIRECTED_REQUEST));

        directory.learn(0, Owner { epoch: 2, node: "latter".to_owned(), address: latter_address });
        let reply = loop {
            match client.next().await {
                Some(Ok(Message::Text(reply))) => break reply,
                // The machine may be slow.
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        };
        let reply: Value = serde_json::from_str(&reply).unwrap();
        assert!(reply["ok"]["session"].is_string(), "{reply}");
        latter.stop();
    }
}
