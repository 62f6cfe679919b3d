//! The way of a call: URL, caller, body, rate, command. Everything is answered with HTTP 200 and an `ErrorCode`.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Method, Response, Uri};
use duolog_topics::Account;
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
    let path = uri.path().trim_start_matches('/').strip_prefix("v4/").unwrap_or_default();
    path.split_once('/').unwrap_or((path, ""))
}

async fn answer(state: &HttpState, command: Option<&Command>, request: Request) -> Result<Reply, ApiError> {
    let (head, body) = request.into_parts();
    let caller = caller(state, &head).await;
    // Read all the same, so that a refused caller's connection can go on; but nothing of it is kept.
    let body = tokio::time::timeout(BODY_TIME, read_body(body, state.settings.request_bytes, caller.is_ok()));
    let body = body.await.unwrap_or_else(|_| Err(Code::REQUEST_TIMEOUT.into()))?;
    let operator = caller?;
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

/// The admin who calls, as the head of the request says.
async fn caller(state: &HttpState, head: &Parts) -> Result<Account, ApiError> {
    if head.method != Method::POST {
        return Err(ApiError::new(Code::URL_INVALID, "the server API takes POST only"));
    }
    let query = Query::parse(head.uri.query().unwrap_or_default())?;
    state.admission.admit(&query, &state.engine).await
}

/// Reads what a command is asked for; what comes back runs it.
fn start<'c>(command: &Command, context: &'c Context<'c>, body: &[u8]) -> Result<Running<'c>, ApiError> {
    let malformed = |error: String| ApiError::new(command.service().malformed, format!("body: {error}"));
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let object = Object::parse(text).map_err(|error| malformed(error.to_string()))?;
    command.run(context, &object)
}

/// Reads a body to its end, and gives it if it is to be kept; otherwise it takes no memory, and nothing comes back.
async fn read_body(body: Body, limit: usize, keep: bool) -> Result<Vec<u8>, ApiError> {
    let (mut kept, mut length) = (Vec::new(), 0_usize);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ApiError::new(Code::PACKET_INVALID, format!("body: {error}")))?;
        length += chunk.len();
        if keep && length <= limit {
            kept.extend_from_slice(&chunk);
        }
        if length.saturating_sub(limit) > DISCARDED_BYTES {
            break;
        }
    }
    if length > limit {
        return Err(ApiError::new(Code::REQUEST_TOO_LONG, format!("the body is longer than {limit} bytes")));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures_util::stream;

    use super::*;

    async fn read(chunks: &[&'static str], limit: usize, keep: bool) -> Result<Vec<u8>, Code> {
        let chunks: Vec<Result<Bytes, Infallible>> = chunks.iter().map(|chunk| Ok(Bytes::from(*chunk))).collect();
        let body = Body::from_stream(stream::iter(chunks));
        read_body(body, limit, keep).await.map_err(|error| error.code)
    }

    #[tokio::test]
    async fn what_a_refused_caller_sends_is_counted_and_not_kept() {
        assert_eq!(read(&["abc", "de"], 5, true).await, Ok(b"abcde".to_vec()));
        assert_eq!(read(&["abc", "de"], 5, false).await, Ok(Vec::new()));
        for keep in [true, false] {
            assert_eq!(read(&["abc", "de", "f"], 5, keep).await, Err(Code::REQUEST_TOO_LONG));
        }
    }
}
