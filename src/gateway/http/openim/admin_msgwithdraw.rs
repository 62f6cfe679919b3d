use duolog_topics::{Account, MessageRecalled, MsgKey};

use super::held::must_be_held;
use super::{from_account, msg_key, to_account};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    from: Account,
    to: Account,
    key: MsgKey,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let from = from_account(fields, "From_Account")?;
        Ok(Self { from, to: to_account(fields, "To_Account")?, key: msg_key(fields)? })
    }
}

/// Takes any message back, of any age, from both views.
///
/// # Errors
/// 20022 if no message has this key, 20023 if it is already recalled; 90008, 90003, 90054: the field of that name.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { from, to, key } = request;
    must_be_held(context, &from, &to, key).await?;
    let by = context.operator.clone();
    let event = MessageRecalled { from: from.clone(), to, key, by, by_operator: true, via: context.via() };
    context.submit(&from, event).await?;
    Ok(Reply::plain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::gateway::http::fields::Object;

    #[test]
    fn each_wrong_field_has_its_code() {
        for (json, code) in [
            (r#"{"To_Account":"b","MsgKey":"1_2_3"}"#, 90008),
            (r#"{"From_Account":"a","MsgKey":"1_2_3"}"#, 90003),
            (r#"{"From_Account":"a","To_Account":"b"}"#, 90054),
            (r#"{"From_Account":"a","To_Account":"b","MsgKey":"1_2"}"#, 90054),
            (r#"{"From_Account":"a","To_Account":"b","MsgKey":1}"#, 90054),
        ] {
            let object = Object::parse(json).unwrap();
            let error = Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).unwrap_err();
            assert_eq!(error.code.number(), code, "{json}");
        }
    }
}
