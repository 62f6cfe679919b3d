//! What one user knows of a friend, as tags and values.

use duolog_topics::{ProfileItem, TagValue};
use serde::Serialize;

use crate::domain::view::Listed;
use crate::error::Code;
use crate::gateway::http::fields::Fields;

pub const GROUP: &str = "Tag_SNS_IM_Group";
pub const REMARK: &str = "Tag_SNS_IM_Remark";
pub const ADD_SOURCE: &str = "Tag_SNS_IM_AddSource";
pub const ADD_WORDING: &str = "Tag_SNS_IM_AddWording";
pub const ADD_TIME: &str = "Tag_SNS_IM_AddTime";

/// What every tag of a friend begins with.
pub const PREFIX: &str = "Tag_SNS_";
/// What the tags of the app's own fields begin with; 1 to 8 letters or digits follow.
const CUSTOM: &str = "Tag_SNS_Custom_";
const CUSTOM_LETTERS: usize = 8;
/// The longest text of the app's own fields, in bytes.
const TEXT_BYTES: usize = 500;

/// Whether it is a tag of the app's own fields.
pub fn is_custom(tag: &str) -> bool {
    let name = tag.strip_prefix(CUSTOM).unwrap_or_default();
    (1..=CUSTOM_LETTERS).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Checks the value of one of the app's own fields: a text or a number.
///
/// # Errors
/// 40601 if it is too long.
fn check_custom(value: &TagValue) -> Result<(), Code> {
    match value {
        TagValue::Text(text) if text.len() > TEXT_BYTES => Err(Code::PROFILE_VALUE_TOO_LONG),
        TagValue::Text(_) | TagValue::Number(_) => Ok(()),
    }
}

/// One of the app's own fields, `{Tag, Value}`, whose tag is known to be one.
///
/// # Errors
/// 40610 if the value is neither text nor number, 40601 if it is too long.
pub fn custom_item(tag: String, fields: Fields<'_, '_>) -> Result<ProfileItem, Code> {
    let value: TagValue = fields.or(Code::PROFILE_VALUE_TYPE).need("Value").map_err(|error| error.code)?;
    check_custom(&value)?;
    Ok(ProfileItem { tag, value })
}

#[derive(Serialize, Clone, PartialEq, Debug)]
#[serde(untagged)]
pub enum Value {
    Text(String),
    Number(u64),
    Texts(Vec<String>),
}

impl From<TagValue> for Value {
    fn from(value: TagValue) -> Self {
        match value {
            TagValue::Number(number) => Self::Number(number),
            TagValue::Text(text) => Self::Text(text),
        }
    }
}

#[derive(Serialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Item {
    pub tag: String,
    pub value: Value,
}

impl Item {
    pub fn new(tag: impl Into<String>, value: Value) -> Self {
        Self { tag: tag.into(), value }
    }
}

/// All that is known of a friend; what was never set is left out.
pub fn of(friend: &Listed) -> Vec<Item> {
    standard(friend).into_iter().chain(custom(friend)).collect()
}

/// The app's own fields of a friend.
pub fn custom(friend: &Listed) -> Vec<Item> {
    let items = friend.row.custom.iter().map(ProfileItem::from);
    items.map(|item| Item::new(item.tag, Value::from(item.value))).collect()
}

/// What every app knows of a friend.
pub fn standard(friend: &Listed) -> Vec<Item> {
    let text = |tag: &str, text: &Option<String>| text.clone().map(|text| Item::new(tag, Value::Text(text)));
    let row = &friend.row;
    let groups = (!row.groups.is_empty()).then(|| Item::new(GROUP, Value::Texts(row.groups.clone())));
    let added = Item::new(ADD_TIME, Value::Number(friend.added / 1000));
    [text(ADD_SOURCE, &row.source), text(REMARK, &row.remark), groups, text(ADD_WORDING, &row.wording), Some(added)]
        .into_iter()
        .flatten()
        .collect()
}
