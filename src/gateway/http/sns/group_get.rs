use std::collections::BTreeMap;

use duolog_topics::Account;
use serde::Serialize;

use super::groups::{self, Sequence};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    /// Absent: all groups.
    groups: Option<Vec<String>>,
    with_friends: bool,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let with_friends = match fields.get::<&str>("NeedFriend")? {
            Some("Need_Friend_Type_Yes") => true,
            None | Some("" | "Need_Friend_Type_No") => false,
            Some(_) => return Err(fields.error("NeedFriend is neither Need_Friend_Type_Yes nor Need_Friend_Type_No")),
        };
        fields.get::<u64>("LastSequence")?;
        let named = fields.get::<Vec<String>>("GroupName")?.is_some_and(|names| !names.is_empty());
        let groups = named.then(|| groups::names(fields)).transpose()?;
        Ok(Self { owner: fields.account("From_Account")?, groups, with_friends })
    }
}

#[derive(Serialize)]
struct Members {
    #[serde(rename = "ResultItem")]
    items: Vec<Group>,
    #[serde(flatten)]
    sequence: Sequence,
}

#[derive(Serialize)]
struct Group {
    #[serde(rename = "GroupName")]
    name: String,
    #[serde(rename = "FriendNumber")]
    friends: usize,
    #[serde(rename = "To_Account", skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<String>>,
}

/// Groups in the order of their names, with how many friends are in each, and who.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { owner, groups: wanted, with_friends } = request;
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (peer, friend) in groups::friends(context, &owner).await? {
        for group in friend.row.groups {
            groups.entry(group).or_default().push(peer.as_str().to_owned());
        }
    }
    for group in groups::made(context, &owner).await? {
        groups.entry(group).or_default();
    }
    groups.retain(|name, _| wanted.as_ref().is_none_or(|wanted| wanted.contains(name)));
    let group = |(name, mut accounts): (String, Vec<String>)| {
        accounts.sort();
        Group { name, friends: accounts.len(), accounts: with_friends.then_some(accounts) }
    };
    let items = groups.into_iter().map(group).collect();
    Ok(Reply::ok(&Members { items, sequence: groups::sequence(context, &owner).await? }))
}

#[cfg(test)]
mod tests {
    use super::super::INVALID;
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn all_groups_are_the_default() {
        let parse = |rest: &str| {
            let json = format!(r#"{{"From_Account":"a"{rest}}}"#);
            let object = Object::parse(&json).unwrap();
            Request::parse(object.fields(INVALID)).map_err(|error| error.code.number())
        };
        let request = parse("").unwrap();
        assert!(request.groups.is_none() && !request.with_friends);
        assert!(parse(r#","NeedFriend":"Need_Friend_Type_Yes""#).unwrap().with_friends);
        assert_eq!(parse(r#","NeedFriend":"Yes""#).unwrap_err(), 30001);
        assert_eq!(parse(r#","GroupName":"g""#).unwrap_err(), 30001);
    }
}
