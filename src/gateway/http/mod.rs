//! The server API: `/v4/<service>/<command>`, as back ends call it (docs/SERVER_API.md), and the operators' pages.
//!
//! A command is a file with its request, its limits, its codes and an async function, and a row in [`commands`]. What
//! all of them share: `front` is the way of a call, `fields` reads requests, `reply` writes answers, `context`
//! is what a command may use.

mod admission;
mod calls;
pub mod commands;
mod context;
mod error;
mod fields;
mod front;
mod health;
mod query;
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
use axum::extract::Request;
use axum::routing::get;
use tower::service_fn;

pub use records::RecordSettings;
pub use state::{Health, HttpSettings, HttpState};

/// The routes of the server API, of the record files, `/healthz`, `/readyz` and `/metrics`.
///
/// With `into_make_service_with_connect_info::<SocketAddr>` the callers' addresses are known.
pub fn router(state: HttpState) -> Router {
    // A service and no handler: what extracts arguments would box each call once more.
    let api = service_fn({
        let state = state.clone();
        move |request: Request| front::call(state.clone(), request)
    });
    Router::new()
        .route_service("/v4", api.clone())
        .route_service("/v4/", api.clone())
        .route_service("/v4/{*command}", api.clone())
        // A base URL that ends with a slash.
        .route_service("//v4/{*command}", api)
        .route("/records/{name}", get(records::download))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .with_state(state)
}
