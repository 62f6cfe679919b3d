use duolog_topics::{Account, AccountImported};

use super::imported;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

/// Newer callers name the account `UserID`, older ones `Identifier`.
#[derive(Debug)]
pub struct Request {
    account: Account,
    imported: AccountImported,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let account = fields.account(fields.named(["UserID", "Identifier"]))?;
        Ok(Self { account, imported: imported(fields)? })
    }
}

/// Importing again is success and sets what is named.
///
/// # Errors
/// 70402 for a field that is missing or wrong.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    context.submit(&request.account, request.imported).await?;
    Ok(Reply::plain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::gateway::http::fields::Object;

    fn parse(json: &str) -> Result<Request, u32> {
        let object = Object::parse(json).unwrap();
        Request::parse(object.fields(Code::ACCOUNT_PARAMETER_INVALID)).map_err(|error| error.code.number())
    }

    #[test]
    fn takes_both_spellings() {
        for json in [r#"{"UserID":"a","Nick":"N","FaceUrl":""}"#, r#"{"Identifier":"a","Nick":"N"}"#] {
            let request = parse(json).unwrap();
            assert_eq!(request.account.as_str(), "a");
            assert_eq!(request.imported, AccountImported { nick: Some("N".to_owned()), face_url: None });
        }
    }

    #[test]
    fn a_wrong_field_is_70402() {
        let long_name = format!(r#"{{"UserID":"{}"}}"#, "a".repeat(33));
        let long_nick = format!(r#"{{"UserID":"a","Nick":"{}"}}"#, "n".repeat(501));
        for json in [
            "{}",
            r#"{"UserID":""}"#,
            r#"{"UserID":1}"#,
            r#"{"UserID":"é"}"#,
            r#"{"UserID":"a","Nick":1}"#,
            &long_name,
            &long_nick,
        ] {
            assert_eq!(parse(json).unwrap_err(), 70402, "{json}");
        }
    }
}
