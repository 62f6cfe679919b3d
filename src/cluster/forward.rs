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

pub(super) const WS_PATH: &str = "/internal/v1/ws";
pub(super) const CLIENT_IP: &str = "x-duolog-client-ip";

/// How long the home of a client may take to accept it.
const DIAL_TIME: Duration = Duration::from_secs(2);

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
            let mut request = format!("ws://{address}{WS_PATH}").into_client_request().ok()?;
            let signature = key.sign(WS_PATH, time, &signed(&ip));
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
