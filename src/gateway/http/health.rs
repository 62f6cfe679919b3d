//! What operators ask: is it alive, is it ready, what does it count.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::state::HttpState;

/// 200 while the process answers at all.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 when the log is folded up to its end and commands are taken; 503 before that, and while draining.
pub async fn readyz(State(state): State<HttpState>) -> (StatusCode, &'static str) {
    if state.engine.is_ready() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
}

/// The metrics in Prometheus' text format.
pub async fn metrics(State(state): State<HttpState>) -> impl IntoResponse {
    let text = state.metrics.as_ref().map(|handle| handle.render()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
