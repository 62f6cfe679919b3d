use duolog_topics::{BroadcastIssued, MessageFlags, Origin};
use serde::Serialize;

use super::condition;
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::openim::Outgoing;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    message: Outgoing,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let mut message = Outgoing::parse(fields)?.with_push(fields)?;
        condition::must_be_none(fields)?;
        let stored = message.life.is_some();
        message.flags =
            MessageFlags { online_only: !stored, no_unread: true, no_last_message: true, ..MessageFlags::default() };
        Ok(Self { message })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    task_id: String,
}

/// A message to every account: to all of its devices that are connected and, for `MsgLifeTime` (0 if it is not given), to
/// those that connect later. It is in no history, makes no recent contact and nothing unread. The same MsgRandom of the
/// same sender within 7 days is the same push. The answer comes when it is on its way.
///
/// # Errors
/// 90024 if the last one is less than a second ago, 90047 if there were 100 in a day. 90008: the sender is wrong or
/// unknown. 90002, 90007, 90010, 80002: the body. 90005, 90043, 90044: the field of that name. 90022, 90032, 90033, 90034,
/// 90039, 90040, 90045: the condition. 90001: any other field.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let from = request.message.sender(context);
    let content = request.message.into_content(context, Origin::Server, Code::BODY_TOO_LONG)?;
    context.must_exist(&from, Code::FROM_ACCOUNT_INVALID).await?;
    let task_id = context.engine().new_session();
    let event = BroadcastIssued { task_id, from, content, message_time: None };
    match context.engine().submit_for_all(event.into()).await? {
        Verdict::Applied(Answer::Issued { task_id }) | Verdict::Repeat(Answer::Issued { task_id }) => {
            Ok(Reply::ok(&Members { task_id }))
        }
        Verdict::Refused(refusal) => Err(refusal.code.into()),
        _ => Err(Code::SERVICE_INTERNAL_ERROR.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    fn parse(rest: &str) -> Result<Outgoing, u32> {
        let json = format!(r#"{{"MsgRandom":7,"MsgBody":[]{rest}}}"#);
        let object = Object::parse(&json).unwrap();
        let request = Request::parse(object.fields(Code::MESSAGE_JSON_INVALID));
        request.map(|request| request.message).map_err(|error| error.code.number())
    }

    #[test]
    fn without_a_life_it_is_for_who_is_there() {
        for (rest, life) in [("", None), (r#","MsgLifeTime":0"#, None), (r#","MsgLifeTime":60"#, Some(60))] {
            let message = parse(rest).unwrap();
            assert_eq!((message.life, message.flags.online_only), (life, life.is_none()), "{rest}");
            assert!(message.flags.no_unread && message.flags.no_last_message);
        }
        assert_eq!(parse(r#","MsgLifeTime":9999999"#).unwrap().life, Some(604_800));
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        for (rest, code) in [
            (r#","MsgRandom":"x""#, 90005),
            (r#","MsgBody":null"#, 90002),
            (r#","MsgLifeTime":"x""#, 90044),
            (r#","From_Account":1"#, 90008),
            (r#","OfflinePushInfo":1"#, 90043),
            (r#","Condition":1"#, 90001),
        ] {
            assert_eq!(parse(rest).unwrap_err(), code, "{rest}");
        }
    }
}
