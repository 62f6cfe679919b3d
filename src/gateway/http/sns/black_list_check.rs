use super::friends::{Asked, Check};
use crate::domain::rows::RelationKind;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

const CHECK: Check = Check {
    lists: (RelationKind::Block, RelationKind::BlockedBy),
    prefix: "BlackCheckResult_Type_",
    none: "NO",
    items: "BlackListCheckItem",
};

#[derive(Debug)]
pub struct Request(Asked);

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        CHECK.parse(fields).map(Self)
    }
}

/// Per account: 30003 if it does not exist.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    CHECK.run(context, request.0).await
}
