use duolog_topics::{Account, Origin};

use super::outgoing::Outgoing;
use super::{from_account, sendmsg, to_account};
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    to: Account,
    /// Unix seconds.
    time: u64,
    message: Outgoing,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let counts = counts_as_unread(fields)?;
        from_account(fields, "From_Account")?;
        let to = to_account(fields, "To_Account")?;
        let mut message = Outgoing::parse(fields)?;
        message.flags.no_unread = !counts;
        Ok(Self { to, time: fields.or(Code::MSG_TIMESTAMP_INVALID).need("MsgTimeStamp")?, message })
    }
}

/// 1 counts, 2 does not; one newer revision writes 5 for the first.
fn counts_as_unread(fields: Fields<'_, '_>) -> Result<bool, ApiError> {
    let fields = fields.or(Code::SYNC_FROM_OLD_SYSTEM_INVALID);
    match fields.need::<i64>("SyncFromOldSystem")? {
        1 | 5 => Ok(true),
        2 => Ok(false),
        _ => Err(fields.error("SyncFromOldSystem is neither 1 nor 2")),
    }
}

/// The same MsgSeq, MsgRandom and MsgTimeStamp again in a conversation change nothing: the first one stays.
///
/// # Errors
/// 90030, 90008, 90003, 90005, 90006: the field of that name is missing, wrong, unknown, or lies in the future. 90002,
/// 90007, 90010, 80002: the body. 90001: any other field.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let sender = request.message.sender(context);
    let time = request.time.checked_mul(1000).ok_or(Code::MSG_TIMESTAMP_INVALID)?;
    let receivers = vec![request.to.clone()];
    let event = request.message.into_event(context, Origin::Import, receivers, Some(time), Code::BODY_TOO_LONG)?;
    sendmsg::must_be_known(context, &request.to).await?;
    match context.submit(&sender, event).await {
        Ok(_) => Ok(Reply::plain()),
        Err(error) if error.code == Code::SENDER_OR_RECEIVER_UNKNOWN => {
            Err(sendmsg::unknown(context, &sender, &request.to).await?)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::gateway::http::fields::Object;

    fn parse(field: &str, value: Value) -> Result<Request, u32> {
        let mut request = json!({"SyncFromOldSystem": 1, "From_Account": "a", "To_Account": "b", "MsgRandom": 1,
            "MsgTimeStamp": 1_557_387_418, "MsgBody": []});
        request[field] = value;
        let text = request.to_string();
        let object = Object::parse(&text).unwrap();
        Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).map_err(|error| error.code.number())
    }

    #[test]
    fn both_values_and_the_newer_one_are_taken() {
        for (value, no_unread) in [(1, false), (2, true), (5, false)] {
            assert_eq!(parse("SyncFromOldSystem", json!(value)).unwrap().message.flags.no_unread, no_unread);
        }
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        for (field, value, code) in [
            ("SyncFromOldSystem", json!(null), 90030),
            ("SyncFromOldSystem", json!(3), 90030),
            ("From_Account", json!(null), 90008),
            ("To_Account", json!(null), 90003),
            ("MsgRandom", json!(null), 90005),
            ("MsgTimeStamp", json!(null), 90006),
            ("MsgTimeStamp", json!(1.5), 90006),
            ("MsgBody", json!(null), 90002),
        ] {
            assert_eq!(parse(field, value.clone()).unwrap_err(), code, "{field}: {value}");
        }
    }
}
