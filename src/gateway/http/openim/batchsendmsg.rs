use std::collections::HashSet;

use duolog_topics::{Account, Origin};
use serde::Serialize;

use super::outgoing::Outgoing;
use super::sendmsg;
use crate::domain::verdict::Answer;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

/// Receivers that one call may name.
const RECEIVERS: usize = 500;

#[derive(Debug)]
pub struct Request {
    to: Vec<String>,
    message: Outgoing,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let to = fields.or(Code::TO_ACCOUNT_INVALID).names("To_Account", RECEIVERS, Code::TOO_MANY_RECEIVERS)?;
        Ok(Self { to, message: Outgoing::parse(fields)?.with_delivery(fields)? })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    #[serde(flatten)]
    sent: Option<sendmsg::Members>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_list: Vec<Failed>,
}

#[derive(Serialize, Debug)]
struct Failed {
    #[serde(rename = "To_Account")]
    to_account: String,
    #[serde(rename = "ErrorCode")]
    error_code: u32,
}

impl Failed {
    fn new(to_account: impl Into<String>, code: Code) -> Self {
        Self { to_account: to_account.into(), error_code: code.number() }
    }
}

/// One message, one key, for all receivers that exist; the others are listed with 70107. No callbacks.
///
/// # Errors
/// As sendmsg, and 90011 for too many receivers, 90012 if none of them exists, 90055 for a body over the limit.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let sender = request.message.sender(context);
    let (receivers, mut error_list) = existing(context, request.to).await?;
    if receivers.is_empty() {
        context.must_exist(&sender, Code::FROM_ACCOUNT_INVALID).await?;
        return Ok(Reply::fail(Code::RECEIVERS_UNKNOWN, &Members { sent: None, error_list }));
    }
    let event = request.message.into_event(context, Origin::Batch, receivers, None, Code::BATCH_BODY_TOO_LONG)?;
    let sent = match context.submit(&sender, event).await {
        Ok(Answer::Sent(sent)) => sent,
        Ok(_) => return Err(Code::SERVICE_INTERNAL_ERROR.into()),
        Err(error) if error.code == Code::SENDER_OR_RECEIVER_UNKNOWN => {
            context.must_exist(&sender, Code::FROM_ACCOUNT_INVALID).await?;
            return Err(Code::RECEIVERS_UNKNOWN.into());
        }
        Err(error) => return Err(error),
    };
    error_list.extend(sent.failed.iter().map(|(account, code)| Failed::new(account.as_str(), *code)));
    let members = Members { sent: Some(sendmsg::Members::from(&sent)), error_list };
    Ok(if members.error_list.is_empty() { Reply::ok(&members) } else { Reply::some_error(&members) })
}

/// The receivers that exist, none twice, in the order of the request; and the others.
///
/// Asked before the message is sent, so that a retry has the same receivers and is known as one.
async fn existing(context: &Context<'_>, names: Vec<String>) -> Result<(Vec<Account>, Vec<Failed>), ApiError> {
    let mut seen = HashSet::new();
    let names: Vec<String> = names.into_iter().filter(|name| seen.insert(name.clone())).collect();
    let accounts: Vec<Account> = names.iter().filter_map(|name| Account::new(name).ok()).collect();
    let existing = context.known(&accounts).await?;
    let (mut receivers, mut failed) = (Vec::new(), Vec::new());
    for name in names {
        match Account::new(&name) {
            Ok(account) if existing.contains(&account) => receivers.push(account),
            _ => failed.push(Failed::new(name, Code::ACCOUNT_UNKNOWN)),
        }
    }
    Ok((receivers, failed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn the_receivers_are_1_to_500_names() {
        let code = |to: &str| {
            let json = format!(r#"{{"To_Account":{to},"MsgRandom":1,"MsgBody":[]}}"#);
            let object = Object::parse(&json).unwrap();
            Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).map_err(|error| error.code.number())
        };
        let of = |count: usize| format!("[{}]", vec![r#""a""#; count].join(","));
        assert_eq!(code(&of(500)).unwrap().to.len(), 500);
        assert_eq!(code(&of(501)).unwrap_err(), 90011);
        for to in ["null", "[]", "\"a\"", "[1]"] {
            assert_eq!(code(to).unwrap_err(), 90003, "{to}");
        }
    }
}
