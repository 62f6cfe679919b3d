//! Profile fields: which tags there are and what each may hold. Both protocols ask here.

use duolog_topics::{Account, FriendAction, ProfileItem, TagValue};

use crate::domain::judge;
use crate::domain::rows::{ProfileRow, RowsError};
use crate::domain::view::Mailbox;
use crate::error::Code;

/// What the tags of the app's own fields begin with; up to [`CUSTOM_LETTERS`] letters or digits follow.
const CUSTOM_PREFIX: &str = "Tag_Profile_Custom_";
const CUSTOM_LETTERS: usize = 8;

/// The longest text of a field, in bytes, unless its row says less.
const TEXT_BYTES: usize = 500;

/// What a field may hold.
enum Kind {
    Text {
        bytes: usize,
    },
    Number,
    Words(&'static [&'static str]),
    /// Of the app's own fields: a text or a number.
    Any,
}

/// What a tag's field may hold; `None` for a tag that is none.
fn kind(tag: &str) -> Option<Kind> {
    if let Some(name) = tag.strip_prefix(CUSTOM_PREFIX) {
        let fits = (1..=CUSTOM_LETTERS).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return fits.then_some(Kind::Any);
    }
    Some(match tag.strip_prefix("Tag_Profile_IM_")? {
        "Nick" | "SelfSignature" | "Image" => Kind::Text { bytes: TEXT_BYTES },
        "Location" => Kind::Text { bytes: 16 },
        "BirthDay" | "Language" | "MsgSettings" | "Level" | "Role" => Kind::Number,
        "Gender" => Kind::Words(&["Gender_Type_Unknown", "Gender_Type_Female", "Gender_Type_Male"]),
        "AllowType" => Kind::Words(&[NEED_CONFIRM, "AllowType_Type_AllowAny", DENY_ANY]),
        "AdminForbidType" => Kind::Words(&["AdminForbid_Type_None", "AdminForbid_Type_SendOut"]),
        _ => return None,
    })
}

/// Whether a profile may have a field of this tag.
pub fn is_tag(tag: &str) -> bool {
    kind(tag).is_some()
}

/// Whether only an admin may set the field: what bars a user is not lifted by him.
pub fn is_the_admins(tag: &str) -> bool {
    tag == "Tag_Profile_IM_AdminForbidType"
}

/// Checks a field.
///
/// # Errors
/// 40009 for a tag that is none, 40610 for a value of the wrong type, 40601 for one that is too long, 40605 for one that
/// this field may not have.
pub fn check(item: &ProfileItem) -> Result<(), Code> {
    match (kind(&item.tag).ok_or(Code::PROFILE_TAG_UNKNOWN)?, &item.value) {
        (Kind::Text { bytes }, TagValue::Text(text)) => at_most(text, bytes),
        (Kind::Any, TagValue::Text(text)) => at_most(text, TEXT_BYTES),
        (Kind::Words(words), TagValue::Text(text)) => {
            if words.contains(&text.as_str()) {
                Ok(())
            } else {
                Err(Code::PROFILE_VALUE_INVALID)
            }
        }
        (Kind::Number, TagValue::Number(number)) => {
            if *number <= u64::from(u32::MAX) {
                Ok(())
            } else {
                Err(Code::PROFILE_VALUE_INVALID)
            }
        }
        (Kind::Any, TagValue::Number(_)) => Ok(()),
        (Kind::Text { .. } | Kind::Words(_), TagValue::Number(_)) | (Kind::Number, TagValue::Text(_)) => {
            Err(Code::PROFILE_VALUE_TYPE)
        }
    }
}

fn at_most(text: &str, bytes: usize) -> Result<(), Code> {
    if text.len() <= bytes { Ok(()) } else { Err(Code::PROFILE_VALUE_TOO_LONG) }
}

/// Whom a user lets add him as a friend; without it, anybody may.
const ALLOW_TYPE: &str = "Tag_Profile_IM_AllowType";
const NEED_CONFIRM: &str = "AllowType_Type_NeedConfirm";
const DENY_ANY: &str = "AllowType_Type_DenyAny";

/// How a peer can be added as a friend: at once, or by asking him; `None` if he does not exist. `forced`: he is not asked.
/// His own home knows, and it need not be the owner's.
///
/// # Errors
/// If rows cannot be read. Inside: 30516 if he lets nobody, 30014 and 30012 if he has no room.
pub fn adding(
    mailbox: &Mailbox<'_>,
    peer: &Account,
    owner: &Account,
    both: bool,
    forced: bool,
) -> Result<Option<Result<FriendAction, Code>>, RowsError> {
    if !mailbox.exists(peer)? {
        return Ok(None);
    }
    let items = items(&mailbox.profile(peer)?, &[ALLOW_TYPE.to_owned()]);
    let action = match items.first().map(|item| &item.value) {
        Some(TagValue::Text(text)) if text == DENY_ANY && !forced => return Ok(Some(Err(Code::PEER_DENIES_FRIENDS))),
        Some(TagValue::Text(text)) if text == NEED_CONFIRM && !forced => FriendAction::Request,
        _ => FriendAction::Add,
    };
    let full = judge::no_room(mailbox, peer, owner, action, both)?;
    Ok(Some(full.map_or(Ok(action), Err)))
}

/// The fields of a profile that were asked for and set, in the order of the tags asked for.
pub fn items(profile: &ProfileRow, tags: &[String]) -> Vec<ProfileItem> {
    let find = |tag: &String| profile.items.iter().find(|item| item.tag == *tag);
    tags.iter().filter_map(find).map(ProfileItem::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(tag: &str, value: TagValue) -> u32 {
        check(&ProfileItem { tag: tag.to_owned(), value }).map_or_else(Code::number, |()| 0)
    }

    fn text(text: &str) -> TagValue {
        TagValue::Text(text.to_owned())
    }

    #[test]
    fn each_field_takes_its_own_values() {
        for (tag, value, expected) in [
            ("Tag_Profile_IM_Nick", text("n"), 0),
            ("Tag_Profile_IM_Nick", text(&"n".repeat(500)), 0),
            ("Tag_Profile_IM_Nick", text(&"n".repeat(501)), 40601),
            ("Tag_Profile_IM_Nick", TagValue::Number(1), 40610),
            ("Tag_Profile_IM_Location", text(&"l".repeat(17)), 40601),
            ("Tag_Profile_IM_Gender", text("Gender_Type_Male"), 0),
            ("Tag_Profile_IM_Gender", text("Male"), 40605),
            ("Tag_Profile_IM_AllowType", text("AllowType_Type_DenyAny"), 0),
            ("Tag_Profile_IM_BirthDay", TagValue::Number(20_001_231), 0),
            ("Tag_Profile_IM_BirthDay", TagValue::Number(1 << 32), 40605),
            ("Tag_Profile_IM_Level", text("1"), 40610),
            ("Tag_Profile_Custom_Test", text("x"), 0),
            ("Tag_Profile_Custom_Test", TagValue::Number(u64::MAX), 0),
            ("Tag_Profile_Custom_123456789", text("x"), 40009),
            ("Tag_Profile_Custom_", text("x"), 40009),
            ("Tag_Profile_IM_New", text("x"), 40009),
            ("Nick", text("x"), 40009),
        ] {
            assert_eq!(code(tag, value.clone()), expected, "{tag} {value:?}");
        }
    }
}
