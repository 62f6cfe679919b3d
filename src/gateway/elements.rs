//! What a message says: its elements and its push info, checked at the door and kept as received.
//!
//! Both protocols carry the same `MsgBody`: an array of elements `{MsgType, MsgContent}`. An
//! element of a known kind must have the members of its kind with their types; further members and unknown kinds pass
//! untouched, because newer clients know more than this server. What is accepted is valid for every JSON reader and at
//! most [`DEPTH`] deep, so whoever reads a message later never stumbles over what a sender wrote.

mod kinds;
mod plain;
mod push_info;

use std::borrow::Cow;

use duolog_topics::RawJson;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::error::Code;

pub use plain::DEPTH;
pub use push_info::{PUSH_INFO_BYTES, PushInfoError, check_push_info};

/// Why a message's content is refused.
#[derive(Debug, Error)]
pub enum BodyError {
    /// Body and custom data together.
    #[error("body and custom data have {bytes} bytes of at most {limit}")]
    TooLong { bytes: usize, limit: usize },
    /// It is not JSON, or JSON that not every reader takes.
    #[error("body is malformed")]
    Malformed(#[source] serde_json::Error),
    /// It is JSON, but no array.
    #[error("body is not an array")]
    NotArray,
    /// It has no element.
    #[error("body has no element")]
    Empty,
    /// Only one is allowed.
    #[error("body has more than one custom element")]
    CustomElements,
    /// One of its elements is wrong.
    #[error("element {place} of the body is malformed")]
    Element { place: usize, source: serde_json::Error },
}

impl BodyError {
    /// The public code that a caller gets.
    pub fn code(&self) -> Code {
        match self {
            Self::TooLong { .. } => Code::BODY_TOO_LONG,
            Self::Malformed(_) | Self::Empty | Self::CustomElements => Code::MSG_BODY_INVALID,
            Self::NotArray => Code::MSG_BODY_NOT_ARRAY,
            Self::Element { .. } => Code::MSG_ELEMENT_INVALID,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Element<'a> {
    #[serde(borrow)]
    msg_type: Cow<'a, str>,
    #[serde(borrow)]
    msg_content: &'a RawValue,
}

/// Checks a message's body and returns it as it is kept ([`as_kept`]).
///
/// `limit` holds for the bytes of `body` and `custom` together. Cost: two passes over the body, no copy but the last.
///
/// # Errors
/// [`BodyError`], the first that holds in the order of its variants.
pub fn check_body(body: &str, custom: Option<&str>, limit: usize) -> Result<RawJson, BodyError> {
    let kept = as_kept(body, custom, limit);
    check_size(&kept, custom, limit)?;
    check_elements(&kept)
}

/// The text of a body without white space around it. One that is too long as it stands is kept in its shortest form: some
/// clients escape every letter beyond ASCII.
pub fn as_kept<'b>(body: &'b str, custom: Option<&str>, limit: usize) -> Cow<'b, str> {
    let body = body.trim_ascii();
    if check_size(body, custom, limit).is_ok() {
        return Cow::Borrowed(body);
    }
    let shortest = plain::check(body).and_then(|()| shortest(body));
    shortest.map_or(Cow::Borrowed(body), Cow::Owned)
}

/// The same JSON without white space, and with no escape that is not needed.
fn shortest(json: &str) -> Result<String, serde_json::Error> {
    let mut short = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(place) = rest.find('"') {
        let (between, text) = rest.split_at(place);
        short.extend(between.split_ascii_whitespace());
        let mut texts = serde_json::Deserializer::from_str(text).into_iter::<Cow<'_, str>>();
        let first = texts.next().transpose()?.unwrap_or_default();
        short.push_str(&serde_json::to_string(&first)?);
        rest = &text[texts.byte_offset()..];
    }
    short.extend(rest.split_ascii_whitespace());
    Ok(short)
}

fn check_elements(body: &str) -> Result<RawJson, BodyError> {
    plain::check(body).map_err(BodyError::Malformed)?;
    if !body.starts_with('[') {
        return Err(BodyError::NotArray);
    }
    let elements: Vec<&RawValue> = serde_json::from_str(body).map_err(BodyError::Malformed)?;
    if elements.is_empty() {
        return Err(BodyError::Empty);
    }
    let mut custom_elements = 0;
    for (place, element) in elements.into_iter().enumerate() {
        let kind = check_element(element.get()).map_err(|source| BodyError::Element { place, source })?;
        custom_elements += usize::from(kind == kinds::CUSTOM);
    }
    if custom_elements > 1 {
        return Err(BodyError::CustomElements);
    }
    Ok(RawJson::from_checked(body))
}

/// The body and the custom data of a message that is to be changed.
#[derive(Clone, Default, Debug)]
pub struct Held {
    pub body: String,
    pub custom: Option<String>,
}

/// Checks what replaces a message's content, and returns the new body if there is one. What stays of the message counts: of
/// `held`, which may be empty where nothing of it does.
///
/// # Errors
/// As [`check_body`].
pub fn check_change(
    body: Option<&str>,
    custom: Option<&str>,
    held: &Held,
    limit: usize,
) -> Result<Option<RawJson>, BodyError> {
    let custom = custom.or(held.custom.as_deref());
    match body {
        Some(body) => check_body(body, custom, limit).map(Some),
        None => check_size(&held.body, custom, limit).map(|()| None),
    }
}

fn check_size(body: &str, custom: Option<&str>, limit: usize) -> Result<(), BodyError> {
    let bytes = body.len() + custom.map_or(0, str::len);
    if bytes > limit { Err(BodyError::TooLong { bytes, limit }) } else { Ok(()) }
}

/// The longest that a message waits for an offline receiver, in seconds (`MsgLifeTime`).
const LIFE_SECONDS: u32 = 604_800;

/// How long a message waits whose sender asked for so many seconds: what is too long is cut.
pub fn cut_life(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(LIFE_SECONDS).min(LIFE_SECONDS)
}

/// Checks one element and returns its kind.
fn check_element(element: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    let Element { msg_type, msg_content } = serde_json::from_str(object(element)?)?;
    kinds::check(&msg_type, object(msg_content.get())?)?;
    Ok(msg_type)
}

/// Members that only an object has, and no array of their values.
struct Members<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?;
        let members = object(json.get()).and_then(serde_json::from_str);
        members.map(Self).map_err(D::Error::custom)
    }
}

/// The same text, if it is a JSON object: what reads structs would take an array of their members as well.
fn object(json: &str) -> Result<&str, serde_json::Error> {
    if json.starts_with('{') { Ok(json) } else { Err(serde_json::Error::custom("not an object")) }
}

#[cfg(test)]
mod tests;
