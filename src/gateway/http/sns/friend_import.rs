use duolog_topics::Account;

use super::friend_add::{NewFriend, add, friends};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    friends: Vec<NewFriend>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self { owner: fields.account("From_Account")?, friends: friends(fields)? })
    }
}

/// Fills the owner's list only, and asks nobody. Per account: the codes of friend_add.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    Ok(Reply::ok(&add(context, request.owner, request.friends, false, true).await?))
}
