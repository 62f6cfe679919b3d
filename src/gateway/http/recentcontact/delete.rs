use duolog_topics::{Account, ConversationDeleted};

use super::C2C;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    account: Account,
    peer: Account,
    clear_history: bool,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let account = fields.account("From_Account")?;
        if fields.need::<u64>("Type")? != C2C {
            return Err(fields.error("Type is not 1: there are no groups here"));
        }
        Ok(Self { account, peer: fields.account("To_Account")?, clear_history: fields.flag("ClearRamble")? })
    }
}

/// Takes a conversation out of one user's recent contacts, with its history if that is asked for, until its next
/// message. One that is not among them is fine.
///
/// # Errors
/// 50002 for a field that is missing or wrong, 50001 if the account does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { account, peer, clear_history } = request;
    context.submit(&account, ConversationDeleted { peer, clear_history }).await?;
    Ok(Reply::plain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::gateway::http::fields::Object;

    #[test]
    fn a_wrong_field_is_50002() {
        let parse = |json: &str| {
            let object = Object::parse(json).unwrap();
            Request::parse(object.fields(Code::RECENTS_PARAMETER_INVALID)).map_err(|error| error.code.number())
        };
        assert!(!parse(r#"{"From_Account":"a","Type":1,"To_Account":"b"}"#).unwrap().clear_history);
        assert!(parse(r#"{"From_Account":"a","Type":1,"To_Account":"b","ClearRamble":1}"#).unwrap().clear_history);
        for json in [
            r#"{"Type":1,"To_Account":"b"}"#,
            r#"{"From_Account":"a","To_Account":"b"}"#,
            r#"{"From_Account":"a","Type":2,"ToGroupid":"g"}"#,
            r#"{"From_Account":"a","Type":1}"#,
            r#"{"From_Account":"a","Type":1,"To_Account":"b","ClearRamble":3}"#,
        ] {
            assert_eq!(parse(json).unwrap_err(), 50002, "{json}");
        }
    }
}
