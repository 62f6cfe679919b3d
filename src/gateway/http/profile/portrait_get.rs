use duolog_topics::{Account, ProfileItem, TagValue};
use serde::Serialize;

use crate::domain::view::Mailbox;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;
use crate::gateway::http::results::code_and_info;
use crate::gateway::profile;

/// Accounts that one call may name.
const ACCOUNTS: usize = 100;
/// Tags that one call may name: more than there are.
const TAGS: usize = 100;

#[derive(Debug)]
pub struct Request {
    names: Vec<String>,
    tags: Vec<String>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let invalid = Code::PROFILE_PARAMETER_INVALID;
        let names = fields.or(Code::PROFILE_ACCOUNT_MISSING).names("To_Account", ACCOUNTS, invalid)?;
        let tags = fields.names("TagList", TAGS, invalid)?;
        match tags.iter().find(|tag| !profile::is_tag(tag)) {
            Some(tag) => Err(ApiError::new(Code::PROFILE_TAG_UNKNOWN, format!("there is no tag {tag:?}"))),
            None => Ok(Self { names, tags }),
        }
    }
}

#[derive(Serialize, Default)]
struct Members {
    #[serde(rename = "UserProfileItem")]
    items: Vec<UserProfile>,
    #[serde(rename = "Fail_Account", skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
}

#[derive(Serialize)]
struct UserProfile {
    #[serde(rename = "To_Account")]
    account: String,
    #[serde(rename = "ProfileItem")]
    items: Vec<Item>,
    #[serde(rename = "ResultCode")]
    code: u32,
    #[serde(rename = "ResultInfo")]
    info: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    tag: String,
    value: TagValue,
}

impl From<ProfileItem> for Item {
    fn from(item: ProfileItem) -> Self {
        Self { tag: item.tag, value: item.value }
    }
}

/// Fields that were never set are left out. Per account: 40003 if it does not exist.
///
/// # Errors
/// 40002 if `To_Account` is missing or wrong, 40009 for a tag that is none, 40001 for any other field.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { names, tags } = request;
    let accounts: Vec<Account> = names.iter().filter_map(|name| Account::new(name).ok()).collect();
    let query = move |mailbox: &Mailbox<'_>, account: &Account| {
        let known = mailbox.exists(account)?;
        known.then(|| Ok(profile::items(&mailbox.profile(account)?, &tags))).transpose()
    };
    let mut found = context.read_each(accounts, query).await?.into_iter();
    let mut members = Members::default();
    for account in names {
        let items = Account::new(&account).ok().and_then(|_| found.next().flatten());
        let (code, info) = code_and_info(items.as_ref().map(|_| ()).ok_or(Code::PROFILE_ACCOUNT_UNKNOWN));
        if items.is_none() {
            members.failed.push(account.clone());
        }
        let items = items.unwrap_or_default().into_iter().map(Item::from).collect();
        members.items.push(UserProfile { account, items, code, info });
    }
    Ok(Reply::ok(&members))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn each_wrong_field_has_its_code() {
        let parse = |json: &str| {
            let object = Object::parse(json).unwrap();
            Request::parse(object.fields(Code::PROFILE_PARAMETER_INVALID)).map_err(|error| error.code.number())
        };
        assert!(parse(r#"{"To_Account":["a"],"TagList":["Tag_Profile_IM_Nick"]}"#).is_ok());
        for (json, code) in [
            (r#"{"TagList":["Tag_Profile_IM_Nick"]}"#, 40002),
            (r#"{"To_Account":[],"TagList":["Tag_Profile_IM_Nick"]}"#, 40002),
            (r#"{"To_Account":["a"]}"#, 40001),
            (r#"{"To_Account":["a"],"TagList":["Nick"]}"#, 40009),
        ] {
            assert_eq!(parse(json).unwrap_err(), code, "{json}");
        }
        let many = format!(r#"{{"To_Account":[{}],"TagList":["Tag_Profile_IM_Nick"]}}"#, vec![r#""a""#; 101].join(","));
        assert_eq!(parse(&many).unwrap_err(), 40001);
    }
}
