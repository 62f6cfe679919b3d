use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Failure;
use crate::gateway::ws::op::Op;

/// A client's frame: what it asks for, or why that cannot be told.
pub struct Parsed {
    /// The client's name for the request; absent if the frame has none that can be read.
    pub id: Option<u64>,
    /// Whether it is a `login`, right or wrong.
    pub is_login: bool,
    pub op: Result<Op, Failure>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    id: u64,
    #[serde(borrow)]
    op: Cow<'a, str>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

/// Of a frame that is no request: perhaps it says at least which one it is.
#[derive(Deserialize)]
struct IdOnly {
    id: u64,
}

impl Parsed {
    /// Reads a frame: `{"id", "op", "args"?}`; other members are ignored.
    pub fn of(json: &str) -> Self {
        let frame: Frame<'_> = match object(json) {
            Ok(frame) => frame,
            Err(failure) => {
                let id = object::<IdOnly>(json).ok().map(|frame| frame.id);
                return Self { id, is_login: false, op: Err(failure) };
            }
        };
        let args = frame.args.map_or("{}", RawValue::get);
        Self { id: Some(frame.id), is_login: frame.op == "login", op: Op::parse(&frame.op, args) }
    }

    /// What a frame is that cannot even be read as JSON.
    pub fn unreadable() -> Self {
        let failure = Failure::malformed("the frame is none of the subprotocol that was chosen");
        Self { id: None, is_login: false, op: Err(failure) }
    }
}

/// Reads a JSON object into a struct; an array of its members, which a struct would take as well, is refused.
///
/// # Errors
/// [`Failure::malformed`], with what is wrong.
pub fn object<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Failure> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err(Failure::malformed("not a JSON object"));
    }
    serde_json::from_str(json).map_err(|error| Failure::malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(json: &str) -> (Option<u64>, Option<u32>) {
        let parsed = Parsed::of(json);
        (parsed.id, parsed.op.err().map(|failure| failure.code.number()))
    }

    #[test]
    fn a_frame_is_an_object_with_an_id_and_an_op() {
        assert_eq!(outcome(r#"{"id": 7, "op": "ping"}"#), (Some(7), None));
        assert_eq!(outcome(r#" {"later": [1], "op": "p\u0069ng", "args": {}, "id": 0}"#), (Some(0), None));
        assert_eq!(outcome(r#"{"id": 7, "op": "ack", "args": {"cursor": 1, "later": 2}}"#), (Some(7), None));
        assert_eq!(outcome(r#"{"id": 7, "op": "paint"}"#), (Some(7), Some(60_009)));
    }

    #[test]
    fn anything_else_is_malformed_and_answered_by_its_id_if_it_has_one() {
        for json in ["", "ping", "[]", "null", r#"[7, "ping"]"#, r#"{"id": 7, "op": "ping""#, r#"{"op": "ping"}"#] {
            assert_eq!(outcome(json), (None, Some(60_003)), "{json}");
        }
        for json in [r#"{"id": "7", "op": "ping"}"#, r#"{"id": 7.0, "op": "ping"}"#, r#"{"id": -7, "op": "ping"}"#] {
            assert_eq!(outcome(json), (None, Some(60_003)), "{json}");
        }
        for json in [
            r#"{"id": 7}"#,
            r#"{"id": 7, "op": 1}"#,
            r#"{"id": 7, "op": "ack"}"#,
            r#"{"id": 7, "op": "ack", "args": [1]}"#,
            r#"{"id": 7, "op": "ack", "args": {"cursor": 1.0}}"#,
            r#"{"id": 7, "op": "ack", "args": {"cursor": "1"}}"#,
        ] {
            assert_eq!(outcome(json), (Some(7), Some(60_003)), "{json}");
        }
    }
}
