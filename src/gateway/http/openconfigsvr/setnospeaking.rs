use duolog_topics::{Account, Millis, MuteChanged};

use super::FOR_EVER;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    account: Account,
    /// Seconds from now.
    c2c: Option<u64>,
    group: Option<u64>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        if fields.raw("Set_Account").is_none() {
            return Err(Code::MUTE_SET_ACCOUNT_MISSING.into());
        }
        let account = fields.or(Code::MUTE_SET_ACCOUNT_INVALID).account("Set_Account")?;
        let seconds = |name| Ok::<_, ApiError>(fields.get::<u32>(name)?.map(u64::from));
        let (c2c, group) = (seconds("C2CmsgNospeakingTime")?, seconds("GroupmsgNospeakingTime")?);
        if c2c.is_none() && group.is_none() {
            return Err(Code::MUTE_TIMES_MISSING.into());
        }
        Ok(Self { account, c2c, group })
    }
}

/// 0 lifts, the highest number is for ever.
fn until(seconds: u64, now: Millis) -> Millis {
    match seconds {
        0 => 0,
        FOR_EVER => Millis::MAX,
        seconds => now + seconds * 1000,
    }
}

/// A muted user's client sends nothing; the server API sends in his name all the same.
///
/// # Errors
/// 130004, 130005: `Set_Account` is missing, wrong or unknown. 130008 if neither time is given. 130001 for one that is
/// no number.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let now = context.engine().now();
    let event = MuteChanged {
        c2c_until: request.c2c.map(|seconds| until(seconds, now)),
        group_until: request.group.map(|seconds| until(seconds, now)),
    };
    match context.submit(&request.account, event).await {
        Ok(_) => Ok(Reply::plain()),
        Err(error) if error.code == Code::ACCOUNT_UNKNOWN => Err(Code::MUTE_SET_ACCOUNT_INVALID.into()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn each_wrong_field_has_its_code() {
        let parse = |json: &str| {
            let object = Object::parse(json).unwrap();
            Request::parse(object.fields(Code::MUTE_JSON_INVALID)).map_err(|error| error.code.number())
        };
        assert_eq!(parse(r#"{"Set_Account":"a","C2CmsgNospeakingTime":4294967295}"#).unwrap().c2c, Some(FOR_EVER));
        for (json, code) in [
            (r#"{"C2CmsgNospeakingTime":1}"#, 130004),
            (r#"{"Set_Account":"","C2CmsgNospeakingTime":1}"#, 130005),
            (r#"{"Set_Account":1,"C2CmsgNospeakingTime":1}"#, 130005),
            (r#"{"Set_Account":"a"}"#, 130008),
            (r#"{"Set_Account":"a","C2CmsgNospeakingTime":"1"}"#, 130001),
            (r#"{"Set_Account":"a","GroupmsgNospeakingTime":4294967296}"#, 130001),
        ] {
            assert_eq!(parse(json).unwrap_err(), code, "{json}");
        }
    }

    #[test]
    fn ends_are_times() {
        assert_eq!(until(0, 5_000), 0);
        assert_eq!(until(7, 5_000), 12_000);
        assert_eq!(until(FOR_EVER, 5_000), Millis::MAX);
    }
}
