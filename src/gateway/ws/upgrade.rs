use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use super::connection::{Connection, Way};
use super::connections::Slot;
use super::protocol::Close;
use super::protocol::subprotocol::{NAMES, Subprotocol};
use super::state::WsState;
use super::wire::Wire;
use crate::gateway::client_ip::client_ip;
use crate::gateway::taken::Taken;

/// What the socket reads at once: small, because it is kept for each idle connection.
const READ_BUFFER: usize = 1024;
/// What the socket gathers before it writes.
const WRITE_BUFFER: usize = 8 * 1024;
/// How much longer than allowed a frame may be and still be read: its client then gets a proper close 1009.
const TOLERANCE: usize = 1024 * 1024;

/// The client protocol's only path.
pub fn route(state: WsState) -> Router {
    Router::new().route("/v1/ws", any(upgrade)).with_state(state)
}

/// Overload and draining are told by a close code after the upgrade, because a web page cannot read a refused one.
async fn upgrade(
    State(state): State<WsState>,
    extensions: Extensions,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ip = client_ip(&extensions, &headers, &state.shared().settings.trusted_proxies).map(|ip| ip.to_string());
    let taken = extensions.get::<Taken>().cloned().unwrap_or_default();
    take(state, upgrade, taken, ip, Way::Direct)
}

impl WsState {
    /// Takes a client that another node has passed on: its home is here, or it has to come again.
    pub fn take_forwarded(&self, upgrade: WebSocketUpgrade, ip: Option<String>) -> Response {
        take(self.clone(), upgrade, Taken::default(), ip, Way::Forwarded)
    }
}

fn take(state: WsState, upgrade: WebSocketUpgrade, taken: Taken, ip: Option<String>, way: Way) -> Response {
    let offers = upgrade.requested_protocols().count() > 0;
    let upgrade = upgrade.protocols(NAMES);
    let chosen = upgrade.selected_protocol().and_then(|name| name.to_str().ok());
    if offers && chosen.is_none() {
        return (StatusCode::BAD_REQUEST, format!("known subprotocols: {}\n", NAMES.join(", "))).into_response();
    }
    let subprotocol = Subprotocol::of_name(chosen);
    let frame_bytes = state.shared().settings.limits.frame_bytes;
    // Before the client hears that it is connected: who connects after that comes after it here, too.
    let slot = state.shared().connections.enter();
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_frame_size(frame_bytes + TOLERANCE)
        .max_message_size(frame_bytes + TOLERANCE)
        .on_upgrade(move |socket| {
            let wire = Wire::new(socket, subprotocol, frame_bytes, taken);
            accept(state, slot, wire, ip, way)
        })
}

async fn accept(state: WsState, slot: Option<Slot>, mut wire: Wire, ip: Option<String>, way: Way) {
    let shared = state.shared();
    match slot {
        Some(slot) => Box::pin(Connection::new(shared, wire, ip, way).run(slot)).await,
        None => {
            // Spread over half a minute, so that they do not come back together.
            wire.close(Close::overloaded(5 + shared.engine.random() % 26));
            super::connection::wind_down(&mut wire, super::connection::LINGER).await;
        }
    }
}
