use super::{Accounts, change_blacklist};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request(Accounts);

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Accounts::parse(fields).map(Self)
    }
}

/// Unblocks accounts; one that was not blocked is fine. Per account: 30003 for a name that no account may have.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    Ok(Reply::ok(&change_blacklist(context, request.0, false).await?))
}
