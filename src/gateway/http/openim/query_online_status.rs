use duolog_topics::Account;
use serde::Serialize;

use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;
use crate::gateway::presence::{PlatformState, Presence, ServerApiName as _, State};

/// Accounts that one call may name.
const ACCOUNTS: usize = 500;

#[derive(Debug)]
pub struct Request {
    names: Vec<String>,
    detail: bool,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let names = fields.names("To_Account", ACCOUNTS, Code::TOO_MANY_ACCOUNTS)?;
        Ok(Self { names, detail: fields.flag("IsNeedDetail")? })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    query_result: Vec<Found>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_list: Vec<Failed>,
}

#[derive(Serialize)]
struct Found {
    #[serde(rename = "To_Account")]
    account: String,
    #[serde(rename = "Status")]
    status: &'static str,
    /// The older command's name of the same.
    #[serde(rename = "State")]
    state: &'static str,
    #[serde(rename = "Detail", skip_serializing_if = "Vec::is_empty")]
    detail: Vec<Detail>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Detail {
    platform: &'static str,
    status: &'static str,
}

#[derive(Serialize)]
struct Failed {
    #[serde(rename = "To_Account")]
    account: String,
    #[serde(rename = "ErrorCode")]
    code: u32,
}

impl Found {
    fn new(account: String, presence: &Presence, detail: bool) -> Self {
        let status = name(presence.state);
        let platform = |on: &PlatformState| Detail { platform: on.platform.server_api_name(), status: name(on.state) };
        let detail = if detail { presence.platforms.iter().map(platform).collect() } else { Vec::new() };
        Self { account, status, state: status, detail }
    }
}

fn name(state: State) -> &'static str {
    match state {
        State::Online => "Online",
        State::PushOnline => "PushOnline",
        State::Offline => "Offline",
    }
}

/// Accounts that do not exist are listed with 70107; if that is all of them, the call fails with it.
///
/// # Errors
/// 90001 if `To_Account` is missing, empty or no array of texts; 90018 for too many.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let accounts: Vec<Account> = request.names.iter().filter_map(|name| Account::new(name).ok()).collect();
    let mut found = context.read_each(accounts, Presence::of).await?.into_iter();
    let mut members = Members { query_result: Vec::new(), error_list: Vec::new() };
    for account in request.names {
        let presence = Account::new(&account).ok().and_then(|_| found.next().flatten());
        match presence {
            Some(presence) => members.query_result.push(Found::new(account, &presence, request.detail)),
            None => members.error_list.push(Failed { account, code: Code::ACCOUNT_UNKNOWN.number() }),
        }
    }
    Ok(match members.query_result.is_empty() {
        true => Reply::fail(Code::ACCOUNT_UNKNOWN, &members),
        false => Reply::ok(&members),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn accounts_are_1_to_500() {
        let code = |accounts: &str| {
            let json = format!(r#"{{"To_Account":{accounts},"IsNeedDetail":1}}"#);
            let object = Object::parse(&json).unwrap();
            Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).map_err(|error| error.code.number())
        };
        let of = |count: usize| format!("[{}]", vec![r#""a""#; count].join(","));
        assert_eq!(code(&of(500)).unwrap().names.len(), 500);
        assert_eq!(code(&of(501)).unwrap_err(), 90018);
        for accounts in ["[]", "null", "\"a\"", "[1]"] {
            assert_eq!(code(accounts).unwrap_err(), 90001, "{accounts}");
        }
    }
}
