use duolog_topics::{Account, Origin};
use serde::Serialize;

use super::outgoing::Outgoing;
use super::to_account;
use crate::domain::verdict::{Answer, Sent};
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    to: Account,
    message: Outgoing,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self { to: to_account(fields, "To_Account")?, message: Outgoing::parse(fields)?.with_delivery(fields)? })
    }
}

/// What the sending commands answer.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Members {
    /// Unix seconds.
    msg_time: u64,
    msg_key: String,
    /// As the newest revision names a message: unlike its key it holds the milliseconds.
    msg_id: String,
}

impl From<&Sent> for Members {
    fn from(sent: &Sent) -> Self {
        let key = sent.key;
        Self {
            msg_time: key.time,
            msg_key: key.to_string(),
            msg_id: format!("{}-{}-{}", sent.time, key.seq, key.random),
        }
    }
}

/// A retry with the same body is answered as the first one was. Friendship, blacklist and mute are not asked.
///
/// # Errors
/// 90008, 90003: sender or receiver is missing, wrong or unknown. 90002, 90007, 90010, 80002: the body. 90005, 90006,
/// 90031, 90043, 90044: the field of that name. 90001: any other field.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let sender = request.message.sender(context);
    let event =
        request.message.into_event(context, Origin::Server, vec![request.to.clone()], None, Code::BODY_TOO_LONG)?;
    must_be_known(context, &request.to).await?;
    match context.submit(&sender, event).await {
        Ok(Answer::Sent(sent)) if sent.failed.is_empty() => Ok(Reply::ok(&Members::from(&sent))),
        Ok(Answer::Sent(_)) => Err(Box::pin(unknown(context, &sender, &request.to)).await?),
        Ok(_) => Err(Code::SERVICE_INTERNAL_ERROR.into()),
        Err(error) if error.code == Code::SENDER_OR_RECEIVER_UNKNOWN => {
            Err(Box::pin(unknown(context, &sender, &request.to)).await?)
        }
        Err(error) => Err(error),
    }
}

/// # Errors
/// 90003 if the receiver does not exist.
pub(super) async fn must_be_known(context: &Context<'_>, to: &Account) -> Result<(), ApiError> {
    if context.is_known(to).await? { Ok(()) } else { Err(unknown_receiver(to)) }
}

fn unknown_receiver(to: &Account) -> ApiError {
    ApiError::new(Code::TO_ACCOUNT_INVALID, format!("the account {to} does not exist"))
}

/// Which of the two it is that does not exist: callers know a code for each.
pub(super) async fn unknown(context: &Context<'_>, from: &Account, to: &Account) -> Result<ApiError, ApiError> {
    context.must_exist(from, Code::FROM_ACCOUNT_INVALID).await?;
    Ok(unknown_receiver(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn the_receiver_is_one_account() {
        for to in ["null", "[\"b\"]", "1", "\"\"", "\"\\u0000\""] {
            let json = format!(r#"{{"To_Account":{to},"MsgRandom":1,"MsgBody":[]}}"#);
            let object = Object::parse(&json).unwrap();
            let error = Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).unwrap_err();
            assert_eq!(error.code, Code::TO_ACCOUNT_INVALID, "{to}");
        }
    }
}
