use serde::Serialize;

use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::records::Found;
use crate::gateway::http::reply::Reply;
use crate::records::Hour;

/// Whose messages are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Chat {
    OneToOne,
    /// Of which there are none here.
    Group,
}

#[derive(Debug)]
pub struct Request {
    chat: Chat,
    hour: Hour,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let chat = match fields.need::<String>("ChatType")?.as_str() {
            "C2C" => Chat::OneToOne,
            "Group" => Chat::Group,
            _ => return Err(fields.error("ChatType is neither C2C nor Group")),
        };
        let hour = fields.need::<String>("MsgTime")?;
        let hour = hour.parse().map_err(|error| fields.error(format!("MsgTime: {error}")))?;
        Ok(Self { chat, hour })
    }
}

#[derive(Serialize)]
struct Members {
    #[serde(rename = "File")]
    files: [File; 1],
}

#[derive(Serialize)]
struct File {
    #[serde(rename = "URL")]
    url: String,
    #[serde(rename = "ExpireTime")]
    expires: String,
    #[serde(rename = "FileSize")]
    file_size: u64,
    #[serde(rename = "FileMD5")]
    file_md5: String,
    #[serde(rename = "GzipSize")]
    gzip_size: u64,
    #[serde(rename = "GzipMD5")]
    gzip_md5: String,
}

/// Where an hour's file can be downloaded, for a day at most.
///
/// # Errors
/// 1001: the body is no JSON object. 1002: a field is missing or wrong. 1003: the folder cannot be read. 1004: the hour is
/// not closed, or had no messages; so for every hour of `Group`. 1005: its file is no longer kept.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let (records, now) = (&context.shared().records, context.engine().now());
    if records.has_expired(request.hour, now) {
        return Err(Code::RECORD_EXPIRED.into());
    }
    if request.chat == Chat::Group {
        return Err(ApiError::new(Code::RECORD_NOT_READY, "there are no messages of groups here"));
    }
    let Found { url, expires, written } = records.find(request.hour, now).await?.ok_or(Code::RECORD_NOT_READY)?;
    let file = File {
        url,
        expires,
        file_size: written.file_size,
        file_md5: written.file_md5,
        gzip_size: written.gzip_size,
        gzip_md5: written.gzip_md5,
    };
    Ok(Reply::ok(&Members { files: [file] }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    fn parse(json: &str) -> Result<Request, u32> {
        let object = Object::parse(json).unwrap();
        Request::parse(object.fields(Code::RECORD_PARAMETER_INVALID)).map_err(|error| error.code.number())
    }

    #[test]
    fn each_field_is_needed_and_checked() {
        let request = parse(r#"{"ChatType":"C2C","MsgTime":"2019051009"}"#).unwrap();
        assert_eq!((request.chat, request.hour.to_string().as_str()), (Chat::OneToOne, "2019051009"));
        assert_eq!(parse(r#"{"ChatType":"Group","MsgTime":"2019051009"}"#).unwrap().chat, Chat::Group);
        for json in [
            r#"{"MsgTime":"2019051009"}"#,
            r#"{"ChatType":"c2c","MsgTime":"2019051009"}"#,
            r#"{"ChatType":"C2C"}"#,
            r#"{"ChatType":"C2C","MsgTime":2019051009}"#,
            r#"{"ChatType":"C2C","MsgTime":"2019-05-10"}"#,
            r#"{"ChatType":"C2C","MsgTime":"../../etc/passwd"}"#,
        ] {
            assert_eq!(parse(json).unwrap_err(), 1002, "{json}");
        }
    }
}
