//! What operators ask: is it alive, is it ready, what does it count.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use metrics::gauge;

use super::state::HttpState;

/// How far the wall clock is ahead of the clock that stamps records.
const CLOCK_DRIFT: &str = "duolog_clock_drift_seconds";

/// 200 while the process answers at all.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 when the log is folded up to its end and commands are taken; 503 before that, and while draining.
pub async fn readyz(State(state): State<HttpState>) -> (StatusCode, &'static str) {
    if (state.health.ready)() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
}

/// The metrics in Prometheus' text format.
pub async fn metrics(State(state): State<HttpState>) -> impl IntoResponse {
    gauge!(CLOCK_DRIFT).set(state.engine.clock().drift() as f64 / 1_000.0);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.health.metrics.render())
}
