use duolog_topics::{AccountDeleted, Event};
use serde::Serialize;

use super::{ResultItem, account, user_ids};
use crate::error::Code;
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
        Ok(Self { names: user_ids(fields, "DeleteItem")? })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    result_item: Vec<ResultItem>,
}

/// An account goes with its mailbox, relations and profile. Per account: 70107 if it does not exist, 71000 for an admin,
/// 70402 for a name that no account may have.
///
/// # Errors
/// 70206 for no account or too many, 70402 for a field that is missing or wrong.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let mut checked = Vec::new();
    let mut events = Vec::new();
    for name in request.names {
        let deletable = account(&name).and_then(|account| match context.shared().admission.is_admin(&account) {
            true => Err(Code::ACCOUNT_DELETE_REFUSED),
            false => Ok(account),
        });
        if let Ok(account) = &deletable {
            events.push((account.clone(), Event::from(AccountDeleted {})));
        }
        checked.push((name, deletable));
    }
    let mut answers = context.submit_each(events).await.into_iter();
    let mut result_item = Vec::new();
    for (name, checked) in checked {
        let result = checked.and_then(|account| {
            // Also after a failure: whether it took effect may be unknown.
            context.shared().known.forget(&account);
            answers.next().map_or(Ok(()), |answer| answer.map(|_| ()).map_err(|error| error.code))
        });
        result_item.push(ResultItem::new(name, result));
    }
    Ok(Reply::ok(&Members { result_item }))
}
