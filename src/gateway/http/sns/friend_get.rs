use duolog_topics::Account;
use serde::Serialize;

use super::tags::{self, Item};
use crate::domain::judge::FRIEND_LIMIT;
use crate::domain::rows::{RelationKind, RowsError};
use crate::domain::view::Mailbox;
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
    known: Option<u64>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let start = fields.need::<u64>("StartIndex")?.min(u64::from(FRIEND_LIMIT)) as usize;
        fields.get::<u64>("CustomSequence")?;
        let known = fields.get::<u64>("StandardSequence")?.filter(|sequence| *sequence > 0);
        Ok(Self { owner: fields.account("From_Account")?, start, known })
    }

    fn list(&self, mailbox: &Mailbox<'_>) -> Result<Option<Members>, RowsError> {
        let Some(owner) = mailbox.account(&self.owner)? else { return Ok(None) };
        let mut members = Members {
            items: Vec::new(),
            sequence: owner.friends_revision,
            custom_sequence: 0,
            friends: owner.friends,
            complete: 1,
            next: 0,
        };
        if self.known == Some(owner.friends_revision) {
            return Ok(Some(members));
        }
        let end = self.start + PAGE;
        let listed = mailbox.listed(&self.owner, RelationKind::Friend, None, end + 1)?;
        if listed.len() > end {
            (members.complete, members.next) = (0, end);
        }
        let friend = |friend| UserData { account: friend_name(&friend), values: tags::of(&friend) };
        members.items = listed.into_iter().skip(self.start).take(PAGE).map(friend).collect();
        Ok(Some(members))
    }
}

fn friend_name(friend: &crate::domain::view::Listed) -> String {
    friend.peer.as_str().to_owned()
}

#[derive(Serialize)]
struct Members {
    #[serde(rename = "UserDataItem")]
    items: Vec<UserData>,
    /// Rises with every change of the list.
    #[serde(rename = "StandardSequence")]
    sequence: u64,
    /// There are no custom fields of friends.
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

/// In the order of names. A caller that knows the current `StandardSequence` gets no friends.
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
        assert_eq!((request.start, request.known), (100, None));
        for json in [r#"{"From_Account":"a"}"#, r#"{"StartIndex":0}"#, r#"{"From_Account":"a","StartIndex":"0"}"#] {
            assert_eq!(parse(json).unwrap_err(), 30001, "{json}");
        }
    }
}
