//! What nodes answer each other, on a listener of their own: clients do not reach it.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};

use super::auth::{ClusterKey, SIGNATURE, TIME};
use super::forward::{CLIENT_IP, signed, ws_path};
use crate::clock::wall;
use crate::engine::peers::Ask;
use crate::engine::{Engine, EngineError};
use crate::gateway::ws::WsState;

/// A request of the server API has at most 16 MiB, and its event is not much longer.
const BODY_BYTES: usize = 32 << 20;

/// What the internal endpoints work with.
#[derive(Clone)]
pub struct Internal {
    pub engine: Engine,
    pub sessions: WsState,
    pub key: ClusterKey,
}

/// The routes that other nodes use.
pub fn router(internal: Internal) -> Router {
    Router::new()
        .route("/internal/v1/ask/{partition}", post(ask))
        .route("/internal/v1/ws/{partition}", any(websocket))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::new(internal))
}

/// Where a question to the owner of a partition goes.
pub(super) fn ask_path(partition: u32) -> String {
    format!("/internal/v1/ask/{partition}")
}

async fn ask(
    State(internal): State<Arc<Internal>>,
    Path(partition): Path<u32>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !internal.knows(&headers, &ask_path(partition), &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let answer = match rmp_serde::from_slice::<Ask>(&body) {
        Ok(ask) => internal.engine.answer(partition, ask).await,
        Err(error) => Err(EngineError::Peer(error.to_string())),
    };
    match rmp_serde::to_vec_named(&answer) {
        Ok(body) => body.into_response(),
        Err(error) => {
            tracing::error!("an answer to another node cannot be written: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A client's WebSocket that came in at another node. Where its home is not, nothing of it is taken: the other node waits
/// for news of the owner.
async fn websocket(
    State(internal): State<Arc<Internal>>,
    Path(partition): Path<u32>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ip = header(&headers, CLIENT_IP);
    if !internal.knows(&headers, &ws_path(partition), &signed(ip)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if !internal.engine.owns().contains_key(&partition) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    internal.sessions.take_forwarded(upgrade, (!ip.is_empty()).then(|| ip.to_owned()))
}

impl Internal {
    fn knows(&self, headers: &HeaderMap, path: &str, said: &[u8]) -> bool {
        let (time, signature) = (header(headers, TIME), header(headers, SIGNATURE));
        let known = self.key.verify(path, time, signature, said, wall());
        if !known {
            metrics::counter!("duolog_node_requests_refused_total").increment(1);
            tracing::warn!(path, "a request on the nodes' address is not by a node, or the clocks differ too much");
        }
        known
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::engine::Common;
    use crate::gateway::auth::AppKey;
    use crate::gateway::ws::Settings;
    use crate::log::MemoryLog;

    /// A node whose engine's clock stands still at the start of 1970.
    fn paused(key: ClusterKey) -> Internal {
        let engine = Engine::new(Common { clock: Clock::manual(0), ..Common::of(Arc::new(MemoryLog::new(1))) });
        let sessions = WsState::new(engine.clone(), Settings::of(AppKey::new(1, "key")), None);
        Internal { engine, sessions, key }
    }

    #[test]
    fn nodes_know_each_other_by_the_time_of_day_wherever_their_engines_clocks_stand() {
        let key = ClusterKey::new(b"secret");
        let node = paused(key.clone());
        let signed_at = |time: u64| {
            let mut headers = HeaderMap::new();
            headers.insert(TIME, time.into());
            headers.insert(SIGNATURE, key.sign("/path", time, b"said").parse().unwrap());
            headers
        };
        assert!(node.knows(&signed_at(wall()), "/path", b"said"));
        assert!(!node.knows(&signed_at(0), "/path", b"said"));
    }
}
