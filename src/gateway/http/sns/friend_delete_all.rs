use duolog_topics::Account;

use super::friend_delete::{both, removed};
use crate::domain::judge::FRIEND_LIMIT;
use crate::domain::rows::RelationKind;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    both: bool,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self { owner: fields.account("From_Account")?, both: both(fields)? })
    }
}

/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { owner, both } = request;
    context.must_exist(&owner, Code::RELATION_ACCOUNT_UNKNOWN).await?;
    let name = owner.clone();
    let list = move |mailbox: &crate::domain::view::Mailbox<'_>| {
        mailbox.listed(&name, RelationKind::Friend, None, FRIEND_LIMIT as usize)
    };
    let friends = context.read(&owner, list).await?;
    let events: Vec<_> = friends.into_iter().map(|friend| removed(context, &owner, friend.peer, both)).collect();
    for answer in context.submit_each(events).await {
        // Somebody else may have ended one of them meanwhile.
        match answer {
            Err(error) if error.code != Code::NOT_A_FRIEND => return Err(error),
            _ => {}
        }
    }
    Ok(Reply::plain())
}
