use duolog_topics::{Account, MessageModified, MsgKey};

use super::held::must_be_held;
use super::outgoing::describe;
use super::{from_account, msg_key, to_account};
use crate::error::Code;
use crate::gateway::elements::{self, BodyError, Held};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    from: Account,
    to: Account,
    key: MsgKey,
    body: Option<String>,
    custom: Option<String>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let from = from_account(fields, "From_Account")?;
        let (to, key) = (to_account(fields, "To_Account")?, msg_key(fields)?);
        let (body, custom) = (fields.raw("MsgBody").map(str::to_owned), fields.get("CloudCustomData")?);
        if body.is_none() && custom.is_none() {
            return Err(ApiError::new(Code::MSG_BODY_INVALID, "neither MsgBody nor CloudCustomData is given"));
        }
        Ok(Self { from, to, key, body, custom })
    }
}

/// What is given replaces what is stored, in both views; the key stays.
///
/// # Errors
/// 20022 if no message has this key, 20023 if it is recalled; 90008, 90003, 90054: the field of that name; 90002, 90007,
/// 90010, 80002: the body.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { from, to, key, body, custom } = request;
    let limit = context.shared().settings.body_bytes;
    let refused = |error: BodyError| ApiError::new(error.code(), describe(&error));
    let alone = elements::check_change(body.as_deref(), custom.as_deref(), &Held::default(), limit);
    alone.map_err(refused)?;
    let held = must_be_held(context, &from, &to, key).await?;
    let body = elements::check_change(body.as_deref(), custom.as_deref(), &held, limit).map_err(refused)?;
    let by = context.operator.clone();
    context.submit(&from, MessageModified { from: from.clone(), to, key, by, by_operator: true, body, custom }).await?;
    Ok(Reply::plain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn something_is_to_be_changed() {
        let parse = |rest: &str| {
            let json = format!(r#"{{"From_Account":"a","To_Account":"b","MsgKey":"1_2_3"{rest}}}"#);
            let object = Object::parse(&json).unwrap();
            Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).map_err(|error| error.code.number())
        };
        assert!(parse(r#","MsgBody":[]"#).is_ok());
        assert_eq!(parse(r#","CloudCustomData":"""#).unwrap().custom.as_deref(), Some(""), "it can be emptied");
        assert_eq!(parse("").unwrap_err(), 90002);
        assert_eq!(parse(r#","CloudCustomData":1"#).unwrap_err(), 90001);
    }
}
