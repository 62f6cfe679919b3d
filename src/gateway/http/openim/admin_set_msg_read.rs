use duolog_topics::{Account, ConversationRead, Millis};

use super::{actor_unknown, from_account, to_account};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    reader: Account,
    peer: Account,
    until: Option<Millis>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let reader = from_account(fields, "Report_Account")?;
        let peer = to_account(fields, "Peer_Account")?;
        // The second is read to its end.
        let until = read_time(fields)?.map(|seconds| seconds.saturating_mul(1000).saturating_add(999));
        Ok(Self { reader, peer, until })
    }
}

/// Unix seconds, as a number or, in one revision, as a text. 0 and the empty text are "now". Some clients write the name
/// differently; ignored, it would read more than they mean.
fn read_time(fields: Fields<'_, '_>) -> Result<Option<u64>, ApiError> {
    let name = fields.named(["MsgReadTime", "MsgReadedTime"]);
    let Some(raw) = fields.raw(name) else { return Ok(None) };
    let seconds = match raw.starts_with('"') {
        true => {
            let text: String = fields.need(name)?;
            let wrong = |_| fields.error(format!("{name} is a text without a number"));
            if text.is_empty() { 0 } else { text.parse().map_err(wrong)? }
        }
        false => fields.need(name)?,
    };
    Ok(Some(seconds).filter(|seconds| *seconds > 0))
}

/// Everything that the peer wrote up to that time is read.
///
/// # Errors
/// 90008: the reader is missing, wrong or unknown. 90003: the peer is missing or wrong. 90001: `MsgReadTime` is no number.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { reader, peer, until } = request;
    let read = ConversationRead { reader: reader.clone(), peer, until, via: context.via() };
    context.submit(&reader, read).await.map_err(actor_unknown)?;
    Ok(Reply::plain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::gateway::http::fields::Object;

    fn parse(json: &str) -> Result<Request, u32> {
        let object = Object::parse(json).unwrap();
        Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).map_err(|error| error.code.number())
    }

    #[test]
    fn the_time_is_a_number_or_a_text() {
        for (time, until) in [("5", Some(5_999)), (r#""5""#, Some(5_999)), ("0", None), (r#""""#, None), ("null", None)]
        {
            let json = format!(r#"{{"Report_Account":"a","Peer_Account":"b","MsgReadTime":{time}}}"#);
            assert_eq!(parse(&json).unwrap().until, until, "{time}");
        }
        let other = r#"{"Report_Account":"a","Peer_Account":"b","MsgReadedTime":"5"}"#;
        assert_eq!(parse(other).unwrap().until, Some(5_999));
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        for (json, code) in [
            (r#"{"Peer_Account":"b"}"#, 90008),
            (r#"{"Report_Account":"a"}"#, 90003),
            (r#"{"Report_Account":"a","Peer_Account":"b","MsgReadTime":"x"}"#, 90001),
            (r#"{"Report_Account":"a","Peer_Account":"b","MsgReadTime":-1}"#, 90001),
        ] {
            assert_eq!(parse(json).unwrap_err(), code, "{json}");
        }
    }
}
