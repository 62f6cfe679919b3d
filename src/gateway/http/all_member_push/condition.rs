use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::error::Code;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::{Fields, Object};

/// Tags that one list may name, and the longest of them in bytes.
const TAGS: usize = 10;
const TAG_BYTES: usize = 50;

/// Checks `Condition`. There is no command here that gives an account tags or attributes, so a push to only some of them
/// cannot be meant: it is refused rather than sent to nobody, or to all.
///
/// # Errors
/// 90039, 90022, 90032, 90034, 90040, 90033: the condition is wrong in itself. 90045: it is right. The code of `fields`
/// if it is no object.
pub fn must_be_none(fields: Fields<'_, '_>) -> Result<(), ApiError> {
    let Some(condition) = fields.get::<Object<'_>>("Condition")? else { return Ok(()) };
    let condition = condition.fields(Code::PUSH_ATTRIBUTE_INVALID);
    let given = |name| condition.raw(name).is_some();
    let (tags, attributes) = (given("TagsOr") || given("TagsAnd"), given("AttrsOr") || given("AttrsAnd"));
    match (tags, attributes) {
        (false, false) => return Ok(()),
        (true, true) => return Err(Code::PUSH_CONDITIONS_MIXED.into()),
        (true, false) => check_tags(condition)?,
        (false, true) => check_attributes(condition)?,
    }
    Err(ApiError::new(Code::PUSH_NOT_ENABLED, "accounts have no tags and no attributes here: push to all of them"))
}

fn check_tags(condition: Fields<'_, '_>) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    for name in ["TagsOr", "TagsAnd"] {
        let tags = condition.get::<Vec<String>>(name)?.unwrap_or_default();
        if tags.len() > TAGS {
            return Err(Code::PUSH_TAGS_EXCEEDED.into());
        }
        for tag in &tags {
            match tag.len() {
                0 => return Err(Code::PUSH_TAG_EMPTY.into()),
                length if length > TAG_BYTES => return Err(Code::PUSH_TAG_TOO_LONG.into()),
                _ => {}
            }
        }
        let tags: HashSet<String> = tags.into_iter().collect();
        if !seen.is_disjoint(&tags) {
            return Err(Code::PUSH_TAGS_OVERLAP.into());
        }
        seen.extend(tags);
    }
    Ok(())
}

fn check_attributes(condition: Fields<'_, '_>) -> Result<(), ApiError> {
    for name in ["AttrsOr", "AttrsAnd"] {
        if let Some(raw) = condition.get::<&RawValue>(name)? {
            let parsed = Object::parse(raw.get());
            parsed.map_err(|error| condition.error(format!("{name}: {error}")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_condition_has_its_code_and_a_right_one_is_not_enabled() {
        let many = format!(r#"{{"TagsOr":[{}]}}"#, [r#""t""#; 11].join(","));
        let long = format!(r#"{{"TagsOr":["{}"]}}"#, "t".repeat(51));
        for (condition, code) in [
            (r#"{"TagsOr":["a"],"AttrsAnd":{"b":"c"}}"#, 90039),
            (r#"{"TagsOr":["a"],"TagsAnd":["b","a"]}"#, 90022),
            (&many, 90032),
            (&long, 90034),
            (r#"{"TagsAnd":[""]}"#, 90040),
            (r#"{"AttrsOr":["a"]}"#, 90033),
            (r#"{"AttrsOr":{"a":"b"}}"#, 90045),
            (r#"{"TagsOr":["a"],"TagsAnd":["b"]}"#, 90045),
            (r#"["a"]"#, 90001),
        ] {
            let json = format!(r#"{{"Condition":{condition}}}"#);
            let object = Object::parse(&json).unwrap();
            let error = must_be_none(object.fields(Code::MESSAGE_JSON_INVALID)).unwrap_err();
            assert_eq!(error.code.number(), code, "{condition}");
        }
        for json in ["{}", r#"{"Condition":{}}"#, r#"{"Condition":null}"#] {
            let object = Object::parse(json).unwrap();
            assert!(must_be_none(object.fields(Code::MESSAGE_JSON_INVALID)).is_ok(), "{json}");
        }
    }
}
