use duolog_topics::{Account, Millis, MsgKey};
use serde::Serialize;
use serde_json::value::RawValue;

use super::page::Page;
use super::{from_account, to_account};
use crate::domain::rows::{Direction, RowsError};
use crate::domain::view::{HistoryFrom, HistoryPage, HistoryQuery, Mailbox, MessageView};
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

/// The most messages of one page, whatever is asked for; the size of the reply ends most pages earlier.
const PAGE_MESSAGES: u64 = 100;

/// Newer callers write `Operator_Account` and `Peer_Account`, older ones `From_Account` and `To_Account`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    operator: Account,
    peer: Account,
    limit: usize,
    since: Millis,
    until: Millis,
    before: Option<MsgKey>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let operator = from_account(fields, fields.named(["Operator_Account", "From_Account"]))?;
        let peer = to_account(fields, fields.named(["Peer_Account", "To_Account"]))?;
        let limit = fields.need::<u64>("MaxCnt")?.clamp(1, PAGE_MESSAGES) as usize;
        let (since, until) = (fields.need::<u64>("MinTime")?, fields.need::<u64>("MaxTime")?);
        let before = fields.text("LastMsgKey", 50)?.map(|key| key.parse()).transpose();
        let before = before.map_err(|error| ApiError::new(Code::MSG_KEY_INVALID, format!("LastMsgKey: {error}")))?;
        // Both ends are included, and a second has a thousand message times.
        let (since, until) = (since.saturating_mul(1000), until.saturating_mul(1000).saturating_add(999));
        Ok(Self { operator, peer, limit, since, until, before })
    }

    fn history(&self, mailbox: &Mailbox<'_>) -> Result<HistoryPage, RowsError> {
        let query = |from, until| HistoryQuery {
            direction: Direction::Backward,
            from,
            limit: self.limit,
            since: Some(self.since),
            until: Some(until),
        };
        let from = self.before.map(HistoryFrom::Key);
        if let Some(page) = mailbox.history(&self.operator, &self.peer, &query(from, self.until))? {
            return Ok(page);
        }
        // The message was deleted since the last page. Its second is read again: a message twice is better than none.
        let last = self.before.map_or(0, |key| key.time.saturating_mul(1000).saturating_add(999));
        let page = mailbox.history(&self.operator, &self.peer, &query(None, self.until.min(last)))?;
        Ok(page.unwrap_or(HistoryPage { list: Vec::new(), complete: true }))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    complete: u32,
    msg_cnt: usize,
    last_msg_time: u64,
    last_msg_key: String,
    msg_list: Vec<Box<RawValue>>,
}

/// Pages go from the newest to the oldest, messages inside a page ascend, and `LastMsgTime` and `LastMsgKey` are those
/// of the page's oldest: with them as `MaxTime` and `LastMsgKey` the next page follows.
///
/// # Errors
/// 90008 if the user whose view it is is missing, wrong or unknown; 90003 if the peer is missing or wrong; 90054 for a
/// `LastMsgKey` that is none; 90001 for any other field.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    context.must_exist(&request.operator, Code::FROM_ACCOUNT_INVALID).await?;
    let operator = request.operator.clone();
    let history = context.read(&operator, move |mailbox| request.history(mailbox)).await?;
    let list: Vec<MessageView> = history.list.into_iter().map(|(_, message)| message).collect();
    let page = Page::of(&list).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a stored body is no JSON");
        Code::SERVICE_INTERNAL_ERROR
    })?;
    let oldest = list.get(list.len() - page.messages.len());
    Ok(Reply::ok(&Members {
        complete: u32::from(history.complete && !page.cut),
        msg_cnt: page.messages.len(),
        last_msg_time: oldest.map_or(0, |message| message.key.time),
        last_msg_key: oldest.map(|message| message.key.to_string()).unwrap_or_default(),
        msg_list: page.messages,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    fn parse(json: &str) -> Result<Request, u32> {
        let object = Object::parse(json).unwrap();
        Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).map_err(|error| error.code.number())
    }

    #[test]
    fn takes_both_dialects() {
        let newer =
            r#"{"Operator_Account":"a","Peer_Account":"b","MaxCnt":20,"MinTime":1,"MaxTime":2,"LastMsgKey":""}"#;
        let older = r#"{"From_Account":"a","To_Account":"b","MaxCnt":20,"MinTime":1,"MaxTime":2}"#;
        let request = parse(newer).unwrap();
        assert_eq!(request, parse(older).unwrap());
        assert_eq!((request.limit, request.since, request.until), (20, 1_000, 2_999));
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        for (json, code) in [
            (r#"{"To_Account":"b","MaxCnt":1,"MinTime":1,"MaxTime":2}"#, 90008),
            (r#"{"From_Account":"a","MaxCnt":1,"MinTime":1,"MaxTime":2}"#, 90003),
            (r#"{"From_Account":"a","To_Account":"b","MinTime":1,"MaxTime":2}"#, 90001),
            (r#"{"From_Account":"a","To_Account":"b","MaxCnt":1,"MaxTime":2}"#, 90001),
            (r#"{"From_Account":"a","To_Account":"b","MaxCnt":1,"MinTime":"1","MaxTime":2}"#, 90001),
            (r#"{"From_Account":"a","To_Account":"b","MaxCnt":1,"MinTime":1,"MaxTime":2,"LastMsgKey":"x"}"#, 90054),
        ] {
            assert_eq!(parse(json).unwrap_err(), code, "{json}");
        }
    }
}
