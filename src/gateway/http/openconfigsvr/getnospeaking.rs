use duolog_topics::{Account, Millis};
use serde::Serialize;

use super::FOR_EVER;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    account: Account,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        if fields.raw("Get_Account").is_none() {
            return Err(Code::MUTE_GET_ACCOUNT_MISSING.into());
        }
        Ok(Self { account: fields.or(Code::MUTE_GET_ACCOUNT_INVALID).account("Get_Account")? })
    }
}

#[derive(Serialize)]
struct Members {
    #[serde(rename = "C2CmsgNospeakingTime")]
    c2c: u64,
    #[serde(rename = "GroupmsgNospeakingTime")]
    group: u64,
}

/// Seconds until then, begun ones counted.
fn left(until: Millis, now: Millis) -> u64 {
    match until {
        Millis::MAX => FOR_EVER,
        until => until.saturating_sub(now).div_ceil(1000),
    }
}

/// # Errors
/// 130002, 130003: `Get_Account` is missing, wrong or unknown; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let account = request.account.clone();
    let row = context.read(&request.account, move |mailbox| mailbox.account(&account)).await?;
    let row = row.ok_or(Code::MUTE_GET_ACCOUNT_INVALID)?;
    let now = context.engine().now();
    Ok(Reply::ok(&Members { c2c: left(row.muted_until, now), group: left(row.group_muted_until, now) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn begun_seconds_count() {
        assert_eq!(left(0, 5_000), 0);
        assert_eq!(left(5_001, 5_000), 1);
        assert_eq!(left(6_000, 5_000), 1);
        assert_eq!(left(Millis::MAX, 5_000), FOR_EVER);
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        for (json, code) in [("{}", 130002), (r#"{"Get_Account":1}"#, 130003), (r#"{"Get_Account":""}"#, 130003)] {
            let object = Object::parse(json).unwrap();
            let error = Request::parse(object.fields(Code::MUTE_JSON_INVALID)).unwrap_err();
            assert_eq!(error.code.number(), code, "{json}");
        }
    }
}
