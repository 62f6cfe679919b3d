use duolog_topics::{AccountImported, Event};
use serde::Serialize;

use super::{BATCH, account, imported};
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::{Fields, Object};
use crate::gateway::http::reply::Reply;

/// `Accounts` holds names; in newer requests `AccountList` holds them with nickname and picture.
#[derive(Debug)]
pub struct Request {
    accounts: Vec<(String, AccountImported)>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let accounts = match fields.named(["Accounts", "AccountList"]) {
            "AccountList" => {
                let list = fields.need::<Vec<Object<'_>>>("AccountList")?;
                let item = |item: &Object<'_>| {
                    let fields = item.fields(Code::ACCOUNT_PARAMETER_INVALID);
                    Ok((fields.need("UserID")?, imported(fields)?))
                };
                list.iter().map(item).collect::<Result<Vec<_>, ApiError>>()?
            }
            accounts => {
                let names = fields.need::<Vec<String>>(accounts)?;
                names.into_iter().map(|name| (name, AccountImported { nick: None, face_url: None })).collect()
            }
        };
        if accounts.is_empty() || accounts.len() > BATCH {
            let info = format!("{} accounts are given, 1 to {BATCH} are taken", accounts.len());
            return Err(ApiError::new(Code::ACCOUNT_BATCH_SIZE, info));
        }
        Ok(Self { accounts })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    fail_accounts: Vec<String>,
}

/// `FailAccounts` are the names that are none; the call as a whole succeeds.
///
/// # Errors
/// 70206 for no account or too many, 70402 for a field that is missing or wrong; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let mut names = Vec::new();
    let mut events = Vec::new();
    let mut fail_accounts = Vec::new();
    for (name, imported) in request.accounts {
        match account(&name) {
            Ok(account) => events.push((account, Event::from(imported))),
            Err(_) => {
                fail_accounts.push(name);
                continue;
            }
        }
        names.push(name);
    }
    let answers = context.submit_each(events).await;
    fail_accounts.extend(names.into_iter().zip(answers).filter_map(|(name, answer)| answer.is_err().then_some(name)));
    Ok(Reply::ok(&Members { fail_accounts }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Request, u32> {
        let object = Object::parse(json).unwrap();
        Request::parse(object.fields(Code::ACCOUNT_PARAMETER_INVALID)).map_err(|error| error.code.number())
    }

    #[test]
    fn takes_both_dialects() {
        assert_eq!(parse(r#"{"Accounts":["a","b"]}"#).unwrap().accounts.len(), 2);
        let request = parse(r#"{"AccountList":[{"UserID":"a","Nick":"N"}]}"#).unwrap();
        assert_eq!(request.accounts[0].0, "a");
        assert_eq!(request.accounts[0].1.nick.as_deref(), Some("N"));
    }

    #[test]
    fn wrong_lists_have_their_codes() {
        for (json, code) in [
            ("{}", 70402),
            (r#"{"Accounts":"a"}"#, 70402),
            (r#"{"Accounts":[1]}"#, 70402),
            (r#"{"AccountList":[{}]}"#, 70402),
            (r#"{"Accounts":[]}"#, 70206),
            (&format!(r#"{{"Accounts":[{}]}}"#, vec![r#""a""#; 101].join(",")), 70206),
        ] {
            assert_eq!(parse(json).unwrap_err(), code, "{json}");
        }
    }
}
