//! The server API: `/v4/<service>/<command>`, as back ends call it (server-api.md), and the operators' pages.
//!
//! A command is a file with its request, its limits, its codes and an async function, and a row in [`commands`]. What
//! all of them share: `front` is the way of a call, `fields` reads requests, `reply` writes answers, `context`
//! is what a command may use.

mod admission;
pub mod commands;
mod context;
mod error;
mod fields;
mod front;
mod health;
mod query;
mod rate;
mod records;
mod reply;
mod results;
mod state;
mod submit;

mod all_member_push;
mod config_svc;
mod im_open_login_svc;
mod open_msg_svc;
mod openconfigsvr;
mod openim;
mod profile;
mod recentcontact;
mod sns;

use axum::Router;
use axum::routing::{any, get};

pub use records::RecordSettings;
pub use state::{HttpSettings, HttpState};

/// Counts calls by command and code.
const CALLS: &str = "duolog_server_api_calls_total";

/// The routes of the server API, of the record files, `/healthz`, `/readyz` and `/metrics`.
///
/// With `into_make_service_with_connect_info::<SocketAddr>` the callers' addresses are known.
pub fn router(state: HttpState) -> Router {
    Router::new()
        .route("/v4", any(front::call))
        .route("/v4/", any(front::call))
        .route("/v4/{*command}", any(front::call))
        .route("/records/{name}", get(records::download))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .with_state(state)
}
