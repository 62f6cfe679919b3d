//! Lists of message keys: texts, or objects with a `MsgKey`.

use duolog_topics::MsgKey;
use serde::Deserialize;

use crate::error::Code;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;

/// Messages that one call may name.
const KEYS: usize = 30;

#[derive(Deserialize)]
#[serde(untagged, expecting = "neither a key nor an object with a MsgKey")]
enum Item {
    Text(String),
    Object {
        #[serde(rename = "MsgKey")]
        key: String,
    },
}

/// The keys in the member of either name; revisions differ in names and items.
///
/// # Errors
/// 90054 if one of them is no key, or there are none or too many; the code of `fields` if the list is missing.
pub fn keys(fields: Fields<'_, '_>, names: [&'static str; 2]) -> Result<Vec<MsgKey>, ApiError> {
    let name = fields.named(names);
    let wrong = fields.or(Code::MSG_KEY_INVALID);
    if fields.raw(name).is_none() {
        return Err(fields.error(format!("{name} is missing")));
    }
    let items: Vec<Item> = wrong.need(name)?;
    if items.is_empty() || items.len() > KEYS {
        return Err(wrong.error(format!("{name} has {} keys, it takes 1 to {KEYS}", items.len())));
    }
    let key = |item: &Item| match item {
        Item::Text(key) | Item::Object { key } => key.parse().map_err(|error| wrong.error(format!("{name}: {error}"))),
    };
    items.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn keys_are_1_to_30_of_either_form() {
        let parse = |list: &str| {
            let json = format!(r#"{{"B":{list}}}"#);
            let object = Object::parse(&json).unwrap();
            keys(object.fields(Code::MESSAGE_JSON_INVALID), ["A", "B"]).map_err(|error| error.code.number())
        };
        let of = |count: usize| format!("[{}]", vec![r#""1_2_3""#; count].join(","));
        let key = MsgKey { seq: 1, random: 2, time: 3 };
        assert_eq!(parse(r#"["1_2_3",{"MsgKey":"1_2_3"}]"#).unwrap(), [key, key]);
        assert_eq!(parse(&of(30)).unwrap().len(), 30);
        for list in [&of(31), "[]", r#"["1"]"#, "[1]", "{}", r#"[{"Key":"1_2_3"}]"#] {
            assert_eq!(parse(list).unwrap_err(), 90054, "{list}");
        }
        assert_eq!(parse("null").unwrap_err(), 90001);
    }
}
