use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::error::ApiError;
use crate::error::Code;

/// `ActionStatus`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Ok,
    /// Some accounts of a batch failed.
    SomeError,
    Fail,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::SomeError => "SomeError",
            Self::Fail => "FAIL",
        }
    }
}

/// What a command answers: the members that every reply has, and its own.
#[derive(Debug)]
pub struct Reply {
    status: Status,
    /// Absent: `ErrorCode` 0.
    error: Option<ApiError>,
    /// The command's own members, a JSON object.
    members: Vec<u8>,
}

/// More than the members that every reply has take, without the text of `ErrorInfo`.
const HEAD_BYTES: usize = 128;

/// A reply's own members, if it has none.
const NONE: &[u8] = b"{}";

impl Reply {
    /// Success without members of its own.
    pub fn plain() -> Self {
        Self { status: Status::Ok, error: None, members: NONE.to_vec() }
    }

    /// Success, with the members of a struct.
    pub fn ok(members: &impl Serialize) -> Self {
        let members = serde_json::to_vec(members).expect("reply types are structs of what JSON can write");
        debug_assert!(members.starts_with(b"{"), "a reply is an object");
        Self { status: Status::Ok, error: None, members }
    }

    /// Success as a whole, though some accounts failed; clients see it in `ActionStatus`.
    pub fn some_error(members: &impl Serialize) -> Self {
        Self { status: Status::SomeError, ..Self::ok(members) }
    }

    /// Failure, with members that say more.
    pub fn fail(error: impl Into<ApiError>, members: &impl Serialize) -> Self {
        Self { status: Status::Fail, error: Some(error.into()), ..Self::ok(members) }
    }

    /// `ErrorCode`, if it is not 0.
    pub fn code(&self) -> Option<Code> {
        self.error.as_ref().map(|error| error.code)
    }

    /// The JSON text. `display`: this service's replies have an `ErrorDisplay` as well.
    pub fn encode(&self, display: bool) -> Vec<u8> {
        let info = self.error.as_ref().map_or("", |error| &error.info);
        let head = Head {
            action_status: self.status.name(),
            error_code: self.code().map_or(0, Code::number),
            error_info: info,
            error_display: display.then_some(""),
        };
        let mut json = Vec::with_capacity(HEAD_BYTES + info.len() + self.members.len());
        serde_json::to_writer(&mut json, &head).expect("a struct of texts and numbers has a JSON form");
        if self.members != NONE {
            json.pop();
            json.push(b',');
            json.extend_from_slice(&self.members[1..]);
        }
        json
    }

    /// The HTTP response: always 200, because clients look for the code in the body.
    pub fn into_response(self, display: bool) -> Response<Body> {
        let mut response = Response::new(Body::from(self.encode(display)));
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self { status: Status::Fail, error: Some(error), members: NONE.to_vec() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Head<'a> {
    action_status: &'static str,
    error_code: u32,
    error_info: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_display: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decoded(reply: &Reply, display: bool) -> serde_json::Value {
        serde_json::from_slice(&reply.encode(display)).unwrap()
    }

    #[test]
    fn every_reply_has_the_three_members() {
        let ok = json!({"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": ""});
        assert_eq!(decoded(&Reply::plain(), false), ok);
        assert_eq!(decoded(&Reply::ok(&json!({})), false), ok);
        let failed = decoded(&ApiError::new(Code::NOT_ADMIN, "no \"admin\"").into(), false);
        assert_eq!(failed, json!({"ActionStatus": "FAIL", "ErrorCode": 60010, "ErrorInfo": "no \"admin\""}));
    }

    #[test]
    fn members_and_error_display_are_added() {
        let reply = decoded(&Reply::some_error(&json!({"A": [1], "B": "b"})), true);
        let expected = json!({"ActionStatus": "SomeError", "ErrorCode": 0, "ErrorInfo": "", "ErrorDisplay": "",
            "A": [1], "B": "b"});
        assert_eq!(reply, expected);
        let reply = decoded(&Reply::fail(Code::RECEIVERS_UNKNOWN, &json!({"A": 1})), false);
        assert_eq!(
            (&reply["ActionStatus"], &reply["ErrorCode"], &reply["A"]),
            (&json!("FAIL"), &json!(90012), &json!(1))
        );
    }
}
