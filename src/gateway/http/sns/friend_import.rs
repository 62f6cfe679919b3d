use duolog_topics::{Account, ProfileItem};

use super::INVALID;
use super::friend_add::{NewFriend, add, friend, friends};
use super::tags;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::{Fields, Object};
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    friends: Vec<NewFriend>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let import = |item: &Object<'_>| {
            let mut friend = friend(item)?;
            friend.custom = custom(item);
            Ok(friend)
        };
        Ok(Self { owner: fields.account("From_Account")?, friends: friends(fields, import)? })
    }
}

/// `CustomItem`: the app's own fields of a friend.
fn custom(item: &Object<'_>) -> Result<Option<Vec<ProfileItem>>, Code> {
    let items = item.fields(INVALID).get::<Vec<Object<'_>>>("CustomItem").map_err(|error| error.code)?;
    let custom = |item: &Object<'_>| {
        let fields = item.fields(INVALID);
        let tag: String = fields.need("Tag").map_err(|error| error.code)?;
        if tags::is_custom(&tag) { tags::custom_item(tag, fields) } else { Err(Code::PROFILE_TAG_UNKNOWN) }
    };
    items.map(|items| items.iter().map(custom).collect()).transpose()
}

/// Fills the owner's list only, and asks nobody; a friend counts as one from now on, whatever `AddTime` says. Per account:
/// the codes of friend_add, and 40009, 40601 and 40610 for one of the app's own fields.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    Ok(Reply::ok(&add(context, request.owner, request.friends, false, true).await?))
}
