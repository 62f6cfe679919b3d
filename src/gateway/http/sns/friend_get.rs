use duolog_topics::Account;
use serde::Serialize;

use super::tags::{self, Item};
use crate::domain::judge::FRIEND_LIMIT;
use crate::domain::rows::{RelationKind, RowsError};
use crate::domain::view::{Listed, Mailbox};
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

/// Friends of one page.
const PAGE: usize = 100;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    start: usize,
    /// The sequence of the standard fields that the caller has, and that of the app's own ones.
    known: u64,
    known_custom: u64,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let start = fields.need::<u64>("StartIndex")?.min(u64::from(FRIEND_LIMIT)) as usize;
        let sequence = |name| Ok::<_, ApiError>(fields.get::<u64>(name)?.unwrap_or(0));
        let (known, known_custom) = (sequence("StandardSequence")?, sequence("CustomSequence")?);
        Ok(Self { owner: fields.account("From_Account")?, start, known, known_custom })
    }

    fn list(&self, mailbox: &Mailbox<'_>) -> Result<Option<Members>, RowsError> {
        let Some(owner) = mailbox.account(&self.owner)? else { return Ok(None) };
        let mut members = Members {
            items: Vec::new(),
            sequence: owner.friends_revision,
            custom_sequence: owner.friends_revision,
            friends: owner.friends,
            complete: 1,
            next: 0,
        };
        let has = |known: u64| known > 0 && known == owner.friends_revision;
        let (standard, custom) = (!has(self.known), !has(self.known_custom));
        if !standard && !custom {
            return Ok(Some(members));
        }
        let end = self.start + PAGE;
        let listed = mailbox.listed(&self.owner, RelationKind::Friend, None, end + 1)?;
        if listed.len() > end {
            (members.complete, members.next) = (0, end);
        }
        let friend = |friend: Listed| {
            let mut values = if standard { tags::standard(&friend) } else { Vec::new() };
            values.extend(if custom { tags::custom(&friend) } else { Vec::new() });
            UserData { account: friend.peer.as_str().to_owned(), values }
        };
        let page = listed.into_iter().skip(self.start).take(PAGE).map(friend);
        // Of a friend whose standard fields the caller has there may be nothing to say.
        members.items = page.filter(|friend| standard || !friend.values.is_empty()).collect();
        Ok(Some(members))
    }
}

#[derive(Serialize)]
struct Members {
    #[serde(rename = "UserDataItem")]
    items: Vec<UserData>,
    /// Rises with every change of the list.
    #[serde(rename = "StandardSequence")]
    sequence: u64,
    /// The app's own fields change with the list, so it is the same number.
    #[serde(rename = "CustomSequence")]
    custom_sequence: u64,
    #[serde(rename = "FriendNum")]
    friends: u32,
    #[serde(rename = "CompleteFlag")]
    complete: u32,
    #[serde(rename = "NextStartIndex")]
    next: usize,
}

#[derive(Serialize)]
struct UserData {
    #[serde(rename = "To_Account")]
    account: String,
    #[serde(rename = "ValueItem")]
    values: Vec<Item>,
}

/// In the order of names. Standard fields whose current `StandardSequence` the caller knows are left out, and so are the
/// app's own ones by `CustomSequence`.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let owner = request.owner.clone();
    let members = context.read(&owner, move |mailbox| request.list(mailbox)).await?;
    Ok(Reply::ok(&members.ok_or(Code::RELATION_ACCOUNT_UNKNOWN)?))
}

#[cfg(test)]
mod tests {
    use super::super::INVALID;
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn the_start_is_required() {
        let parse = |json: &str| {
            let object = Object::parse(json).unwrap();
            Request::parse(object.fields(INVALID)).map_err(|error| error.code.number())
        };
        let request = parse(r#"{"From_Account":"a","StartIndex":100,"StandardSequence":0}"#).unwrap();
        assert_eq!((request.start, request.known, request.known_custom), (100, 0, 0));
        for json in [r#"{"From_Account":"a"}"#, r#"{"StartIndex":0}"#, r#"{"From_Account":"a","StartIndex":"0"}"#] {
            assert_eq!(parse(json).unwrap_err(), 30001, "{json}");
        }
    }
}
