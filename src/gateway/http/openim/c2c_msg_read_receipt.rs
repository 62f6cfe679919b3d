use duolog_topics::{Account, MessageReceipted, MsgKey};

use super::keys::keys;
use super::{actor_unknown, from_account, to_account};
use crate::domain::verdict::Answer;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    reader: Account,
    sender: Account,
    keys: Vec<MsgKey>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let reader = from_account(fields, fields.named(["Operator_Account", "From_Account"]))?;
        let sender = to_account(fields, fields.named(["Peer_Account", "To_Account"]))?;
        Ok(Self { reader, sender, keys: keys(fields, ["C2CMsgInfo", "MsgKeyList"])? })
    }
}

/// Confirms single messages as read; their sender's devices hear of it.
///
/// # Errors
/// 20022 if the reader received none of them. 90008: the reader is missing, wrong or unknown. 90003: the sender is missing
/// or wrong. 90054: a key is none, or there are too many. 90001: the list is missing.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { reader, sender, keys } = request;
    let event = MessageReceipted { reader: reader.clone(), sender, keys };
    match context.submit(&reader, event).await.map_err(actor_unknown)? {
        Answer::Results(results) if results.iter().all(|(_, result)| result.is_err()) => {
            Err(Code::MESSAGE_UNKNOWN.into())
        }
        _ => Ok(Reply::plain()),
    }
}
