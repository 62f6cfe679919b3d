use serde::Serialize;

use super::{ResultItem, account, user_ids};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    names: Vec<String>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self { names: user_ids(fields, "CheckItem")? })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    result_item: Vec<ResultItem>,
}

/// A name that no account may have is not imported; its `ResultCode` says why.
///
/// # Errors
/// 70206 for no account or too many, 70402 for a field that is missing or wrong; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let accounts = request.names.iter().filter_map(|name| account(name).ok()).collect();
    let existing = context.existing(accounts).await?;
    let item = |name: String| {
        let checked = account(&name);
        let exists = checked.as_ref().is_ok_and(|account| existing.contains(account));
        let item = ResultItem::new(name, checked.map(|_| ()));
        ResultItem { account_status: Some(if exists { "Imported" } else { "NotImported" }), ..item }
    };
    Ok(Reply::ok(&Members { result_item: request.names.into_iter().map(item).collect() }))
}
