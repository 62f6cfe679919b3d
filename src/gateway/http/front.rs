//! The way of a call: URL, rate, body, caller, command. Everything is answered with HTTP 200 and an `ErrorCode`.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, Uri};
use futures_util::StreamExt as _;
use xxhash_rust::xxh3::xxh3_64;

use super::commands::{self, Command, Running};
use super::context::Context;
use super::error::ApiError;
use super::fields::Object;
use super::query::Query;
use super::reply::Reply;
use super::state::HttpState;
use crate::error::Code;
use crate::gateway::client_ip::client_ip;

/// Bytes beyond the limit that are still read before the answer: a client that is cut off in mid-body sees a broken
/// connection instead of the code.
const DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// How long a caller may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Answers `/v4/<service>/<command>`, and whatever else begins with `/v4`.
///
/// # Errors
/// None: a failure is an answer.
pub async fn call(state: HttpState, request: Request) -> Result<Response<Body>, Infallible> {
    let (service, command) = names(request.uri());
    let display = commands::service(service).is_some_and(|service| service.error_display);
    let found = commands::find(service, command);
    let reply = answer(&state, found, request).await.unwrap_or_else(Reply::from);
    state.calls.count(found, &reply);
    Ok(reply.into_response(display))
}

/// The two names in the path, as they stand there: no name needs an escape.
fn names(uri: &Uri) -> (&str, &str) {
    let path = uri.path().strip_prefix("/v4/").unwrap_or_default();
    path.split_once('/').unwrap_or((path, ""))
}

async fn answer(state: &HttpState, command: Option<&Command>, request: Request) -> Result<Reply, ApiError> {
    let (head, body) = request.into_parts();
    // Read first, so that a refused caller's connection can go on.
    let body = tokio::time::timeout(BODY_TIME, read_body(body, state.settings.request_bytes));
    let body = body.await.unwrap_or_else(|_| Err(Code::REQUEST_TIMEOUT.into()))?;
    if head.method != Method::POST {
        return Err(ApiError::new(Code::URL_INVALID, "the server API takes POST only"));
    }
    let query = Query::parse(head.uri.query().unwrap_or_default())?;
    let operator = state.admission.admit(&query, &state.engine).await?;
    let command = command.ok_or(Code::NO_SUCH_COMMAND)?;
    if !state.limiter.take(command, state.engine.now()) {
        return Err(Code::COMMAND_RATE_EXCEEDED.into());
    }
    let ip = client_ip(&head.extensions, &head.headers, &state.settings.trusted_proxies).map(|ip| ip.to_string());
    let context = Context::new(state, operator, ip, xxh3_64(&body));
    let running = start(command, &context, &body)?;
    // Thousands of calls wait at a time: what was read of this one is not needed any more.
    drop((head, body));
    running.await
}

/// Reads what a command is asked for; what comes back runs it.
fn start<'c>(command: &Command, context: &'c Context<'c>, body: &[u8]) -> Result<Running<'c>, ApiError> {
    let malformed = |error: String| ApiError::new(command.service().malformed, format!("body: {error}"));
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let object = Object::parse(text).map_err(|error| malformed(error.to_string()))?;
    command.run(context, &object)
}

/// Reads a body whole.
async fn read_body(body: Body, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut read = Vec::new();
    let mut discarded = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ApiError::new(Code::PACKET_INVALID, format!("body: {error}")))?;
        if discarded == 0 && read.len() + chunk.len() <= limit {
            read.extend_from_slice(&chunk);
            continue;
        }
        discarded += chunk.len();
        if discarded > DISCARDED_BYTES {
            break;
        }
    }
    match discarded {
        0 => Ok(read),
        _ => Err(ApiError::new(Code::REQUEST_TOO_LONG, format!("the body is longer than {limit} bytes"))),
    }
}
