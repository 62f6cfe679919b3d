use duolog_topics::{Account, ProfileItem, TagValue};
use serde::{Deserialize, Serialize};

use super::{Key, Row, Table};

/// A profile field as rows hold it: Postcard needs the tag of the enum that the event leaves out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredItem {
    pub tag: String,
    value: StoredValue,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum StoredValue {
    Number(u64),
    Text(String),
}

impl From<&ProfileItem> for StoredItem {
    fn from(item: &ProfileItem) -> Self {
        let value = match &item.value {
            TagValue::Number(number) => StoredValue::Number(*number),
            TagValue::Text(text) => StoredValue::Text(text.clone()),
        };
        Self { tag: item.tag.clone(), value }
    }
}

impl From<&StoredItem> for ProfileItem {
    fn from(item: &StoredItem) -> Self {
        let value = match &item.value {
            StoredValue::Number(number) => TagValue::Number(*number),
            StoredValue::Text(text) => TagValue::Text(text.clone()),
        };
        Self { tag: item.tag.clone(), value }
    }
}

/// `profiles`: (account) -> the fields that were set, in the order of their tags.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ProfileRow {
    pub items: Vec<StoredItem>,
}

impl Row for ProfileRow {
    const TABLE: Table = Table::Profile;
}

impl ProfileRow {
    pub fn key(account: &Account) -> Key {
        Key::of(Table::Profile).account(account)
    }

    /// The value of a field, if it is set.
    pub fn get(&self, tag: &str) -> Option<TagValue> {
        let place = self.items.binary_search_by(|item| item.tag.as_str().cmp(tag)).ok()?;
        Some(ProfileItem::from(&self.items[place]).value)
    }

    /// Replaces or adds a field.
    pub fn set(&mut self, item: StoredItem) {
        set_item(&mut self.items, item);
    }
}

/// Replaces or adds a field in a list that is in the order of its tags.
pub fn set_item(items: &mut Vec<StoredItem>, item: StoredItem) {
    match items.binary_search_by(|old| old.tag.cmp(&item.tag)) {
        Ok(place) => items[place] = item,
        Err(place) => items.insert(place, item),
    }
}
