use serde::Serialize;

use super::friends::{Checked, Words, check};
use super::{Accounts, Directions, directions};
use crate::domain::rows::RelationKind;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

const WORDS: Words = Words { prefix: "BlackCheckResult_Type_", none: "NO" };

#[derive(Debug)]
pub struct Request {
    accounts: Accounts,
    directions: Directions,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let directions = directions(fields, "CheckType", WORDS.prefix, None)?;
        Ok(Self { accounts: Accounts::parse(fields)?, directions })
    }
}

#[derive(Serialize)]
struct Members {
    #[serde(rename = "BlackListCheckItem")]
    items: Vec<Checked>,
    #[serde(rename = "Fail_Account", skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
}

/// Per account: 30003 if it does not exist.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let kinds = (RelationKind::Block, RelationKind::BlockedBy);
    let items = check(context, request.accounts, request.directions, kinds, WORDS).await?;
    let failed = items.iter().filter_map(Checked::failed).collect();
    Ok(Reply::ok(&Members { items, failed }))
}
