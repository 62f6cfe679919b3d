//! What one user knows of a friend, as tags and values.

use duolog_topics::TagValue;
use serde::Serialize;

use crate::domain::view::Listed;

pub const GROUP: &str = "Tag_SNS_IM_Group";
pub const REMARK: &str = "Tag_SNS_IM_Remark";
pub const ADD_SOURCE: &str = "Tag_SNS_IM_AddSource";
pub const ADD_WORDING: &str = "Tag_SNS_IM_AddWording";
pub const ADD_TIME: &str = "Tag_SNS_IM_AddTime";

/// What every tag of a friend begins with.
pub const PREFIX: &str = "Tag_SNS_";

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
    let text = |tag: &str, text: &Option<String>| text.clone().map(|text| Item::new(tag, Value::Text(text)));
    let row = &friend.row;
    let groups = (!row.groups.is_empty()).then(|| Item::new(GROUP, Value::Texts(row.groups.clone())));
    let added = Item::new(ADD_TIME, Value::Number(friend.added / 1000));
    [text(ADD_SOURCE, &row.source), text(REMARK, &row.remark), groups, text(ADD_WORDING, &row.wording), Some(added)]
        .into_iter()
        .flatten()
        .collect()
}
