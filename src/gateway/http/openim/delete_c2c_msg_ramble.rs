use duolog_topics::{Account, MessageDeleted, MsgKey};
use serde::Serialize;

use super::keys::keys;
use super::{actor_unknown, from_account, to_account};
use crate::domain::verdict::Answer;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    operator: Account,
    peer: Account,
    keys: Vec<MsgKey>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let operator = from_account(fields, fields.named(["Operator_Account", "From_Account"]))?;
        let peer = to_account(fields, fields.named(["Peer_Account", "To_Account"]))?;
        Ok(Self { operator, peer, keys: keys(fields, ["MsgKeyList", "C2CMsgInfo"])? })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invalid_msg_key_list: Vec<String>,
}

/// Deletes messages from one user's own view; the peer keeps them. Keys that name no message are listed.
///
/// # Errors
/// 90008: the user is missing, wrong or unknown. 90003: the peer is missing or wrong. 90054: a key is none, or there are too
/// many. 90001: the list is missing.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let event = MessageDeleted { peer: request.peer, keys: request.keys.clone() };
    let invalid = match context.submit(&request.operator, event).await.map_err(actor_unknown)? {
        Answer::Results(results) => {
            let keys = request.keys.iter().zip(results);
            keys.filter(|(_, (_, result))| result.is_err()).map(|(key, _)| key.to_string()).collect()
        }
        _ => Vec::new(),
    };
    Ok(Reply::ok(&Members { invalid_msg_key_list: invalid }))
}
