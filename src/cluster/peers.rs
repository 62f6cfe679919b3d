use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::auth::{ClusterKey, SIGNATURE, TIME};
use super::directory::Directory;
use super::endpoint::ask_path;
use crate::clock::wall;
use crate::engine::EngineError;
use crate::engine::peers::{Ask, Peers, Reply};

/// Nodes are near each other.
const CONNECT_TIME: Duration = Duration::from_millis(500);
/// A request may wait for its verdict as long as it does at its home, and little longer; the hook's time comes on top.
const SUBMIT_TIME: Duration = Duration::from_secs(16);
const READ_TIME: Duration = Duration::from_secs(2);

/// The owners that the directory names, over HTTP: pooled connections, one question each at a time.
pub struct HttpPeers {
    directory: Arc<Directory>,
    key: ClusterKey,
    client: reqwest::Client,
    /// This node's own address: asking it would lead nowhere.
    address: String,
    submit_time: Duration,
}

impl HttpPeers {
    /// `hook`: how long an owner's before-send hook may take.
    ///
    /// # Errors
    /// If no client can be made.
    pub fn new(
        directory: Arc<Directory>,
        key: ClusterKey,
        address: String,
        hook: Duration,
    ) -> Result<Self, reqwest::Error> {
        // The client wants one, though nodes speak without TLS; a second installation answers with an error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().connect_timeout(CONNECT_TIME).tcp_nodelay(true).no_proxy().build()?;
        Ok(Self { directory, key, client, address, submit_time: SUBMIT_TIME + hook })
    }
}

impl Peers for HttpPeers {
    fn ask(&self, partition: u32, ask: Ask) -> BoxFuture<'static, Result<Reply, EngineError>> {
        let nobody = |epoch| std::future::ready(Err(EngineError::NotOwner { epoch })).boxed();
        let Some(owner) = self.directory.owner(partition) else { return nobody(0) };
        if owner.address == self.address {
            return nobody(owner.epoch);
        }
        let patience = if ask.waits_for_the_log() { self.submit_time } else { READ_TIME };
        let body = match rmp_serde::to_vec_named(&ask) {
            Ok(body) => body,
            Err(error) => return std::future::ready(Err(EngineError::Peer(error.to_string()))).boxed(),
        };
        let (path, time) = (ask_path(partition), wall());
        let request = self
            .client
            .post(format!("http://{}{path}", owner.address))
            .timeout(patience)
            .header(TIME, time)
            .header(SIGNATURE, self.key.sign(&path, time, &body))
            .body(body);
        let directory = self.directory.clone();
        async move {
            tokio::select! {
                answer = answer(request, owner.epoch) => answer,
                // Whom it was sent to is not the owner any more, and may never answer.
                () = directory.overtaken(partition, owner.epoch) => Err(EngineError::Unknown),
            }
        }
        .boxed()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.directory.changes()
    }
}

async fn answer(request: reqwest::RequestBuilder, epoch: u64) -> Result<Reply, EngineError> {
    let response = match request.send().await {
        Ok(response) => response,
        // Nothing has left.
        Err(error) if error.is_connect() => return Err(EngineError::NotOwner { epoch }),
        Err(error) => {
            tracing::debug!("another node did not answer: {}", error.without_url());
            return Err(EngineError::Unknown);
        }
    };
    let status = response.status();
    if !status.is_success() {
        return Err(EngineError::Peer(format!("it answers with status {status}")));
    }
    let body: Bytes = response.bytes().await.map_err(|_| EngineError::Unknown)?;
    rmp_serde::from_slice::<Result<Reply, EngineError>>(&body)
        .map_err(|error| EngineError::Peer(error.to_string()))
        .flatten()
}
