use duolog_topics::Account;

use super::groups;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    groups: Vec<String>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self { owner: fields.account("From_Account")?, groups: groups::names(fields)? })
    }
}

/// Takes all friends out of the groups; one that there is not is fine.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { owner, groups } = request;
    let mut events = Vec::new();
    for (peer, friend) in groups::friends(context, &owner).await? {
        let before = friend.row.groups.len();
        let left: Vec<String> = friend.row.groups.into_iter().filter(|group| !groups.contains(group)).collect();
        if left.len() < before {
            events.push(groups::set(context, &owner, &peer, left));
        }
    }
    for answer in context.submit_each(events).await {
        // Whoever is no friend any more is in no group either.
        match answer {
            Err(error) if error.code != Code::NOT_A_FRIEND => return Err(error),
            _ => {}
        }
    }
    groups::change(context, &owner, groups, false).await?;
    Ok(Reply::ok(&groups::sequence(context, &owner).await?))
}
