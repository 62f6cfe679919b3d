use duolog_topics::{Account, Millis};
use serde::Serialize;

use super::C2C;
use crate::domain::view::{Mailbox, RecentContact};
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

/// Conversations of one page.
const PAGE: usize = 100;

/// More than the conversations that can share a millisecond: more than an account has (`policy.recent_contacts`).
const SHARING: u64 = 1_000;

/// Bit of `AssistFlags`: conversations without a message are listed too.
const WITH_EMPTY: u64 = 1 << 1;

#[derive(Debug)]
pub struct Request {
    account: Account,
    /// Unix seconds; 0 = from the newest.
    time: u64,
    /// Up to which place of that second the caller has them, see [`Request::page`].
    index: u64,
    with_empty: bool,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let account = fields.account("From_Account")?;
        let (time, index) = (fields.need("TimeStamp")?, fields.need("StartIndex")?);
        // Nothing is pinned, so there are no pages of pinned ones to go through.
        fields.need::<u64>("TopTimeStamp")?;
        fields.need::<u64>("TopStartIndex")?;
        let flags: u64 = fields.need("AssistFlags")?;
        Ok(Self { account, time, index, with_empty: flags & WITH_EMPTY != 0 })
    }

    /// The page after what the caller has. A place is a second, and in it the millisecond (counted from its end, because the
    /// newest come first) with a number of those that share one. So a conversation that moves to the top between two pages
    /// shifts none that has a millisecond of its own; only imports share one.
    fn page(&self, recents: Vec<RecentContact>) -> Members {
        let listed = recents.into_iter().filter(|recent| self.with_empty || recent.last.is_some());
        let mut in_millisecond = (Millis::MAX, 0);
        let mut members = Members { items: Vec::new(), complete: 1, time: 0, index: 0, top_time: 0, top_index: 0 };
        for recent in listed {
            let time = recent.time / 1000;
            let before = if in_millisecond.0 == recent.time { in_millisecond.1 } else { 0 };
            in_millisecond = (recent.time, before + 1);
            let index = (999 - recent.time % 1000) * SHARING + in_millisecond.1;
            if self.time > 0 && (time > self.time || (time == self.time && index <= self.index)) {
                continue;
            }
            if members.items.len() == PAGE {
                members.complete = 0;
                break;
            }
            (members.time, members.index) = (time, index);
            members.items.push(Session { kind: C2C, peer: recent.peer.as_str().to_owned(), time, pinned: 0 });
        }
        members
    }
}

#[derive(Serialize, Debug)]
struct Members {
    #[serde(rename = "SessionItem")]
    items: Vec<Session>,
    #[serde(rename = "CompleteFlag")]
    complete: u32,
    #[serde(rename = "TimeStamp")]
    time: u64,
    #[serde(rename = "StartIndex")]
    index: u64,
    #[serde(rename = "TopTimeStamp")]
    top_time: u64,
    #[serde(rename = "TopStartIndex")]
    top_index: u64,
}

#[derive(Serialize, Debug)]
struct Session {
    #[serde(rename = "Type")]
    kind: u64,
    #[serde(rename = "To_Account")]
    peer: String,
    /// Unix seconds.
    #[serde(rename = "MsgTime")]
    time: u64,
    #[serde(rename = "TopFlag")]
    pinned: u32,
}

/// Newest first. `TimeStamp` and `StartIndex` of a reply ask for the next page.
///
/// # Errors
/// 50002 for a field that is missing or wrong, 50001 if the account does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let account = request.account.clone();
    let query = move |mailbox: &Mailbox<'_>| {
        let known = mailbox.exists(&request.account)?;
        known.then(|| Ok(request.page(mailbox.recent_contacts(&request.account, None)?.list))).transpose()
    };
    let members = context.read(&account, query).await?;
    Ok(Reply::ok(&members.ok_or(Code::RECENTS_ACCOUNT_UNKNOWN)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    fn request(time: u64, index: u64) -> Request {
        Request { account: Account::new("a").unwrap(), time, index, with_empty: true }
    }

    fn recent(number: usize, time: u64) -> RecentContact {
        let peer = Account::new(format!("p{number}")).unwrap();
        RecentContact { peer, time, unread: 0, read_time: 0, peer_read_time: 0, changed: 0, last: None }
    }

    #[test]
    fn pages_hold_everything_once() {
        // Seven conversations a second, so that pages end inside one.
        let recents: Vec<_> = (0..250).map(|number| recent(number, 1_000_000 - (number as u64 / 7) * 1000)).collect();
        let (mut time, mut index, mut seen) = (0, 0, Vec::new());
        loop {
            let page = request(time, index).page(recents.clone());
            (time, index) = (page.time, page.index);
            seen.extend(page.items.into_iter().map(|item| item.peer));
            if page.complete == 1 {
                break;
            }
        }
        let all: Vec<_> = recents.iter().map(|recent| recent.peer.as_str().to_owned()).collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn a_conversation_that_moves_to_the_top_shifts_none() {
        let mut recents: Vec<_> = (0..250).map(|number| recent(number, 1_000_999 - number as u64)).collect();
        let first = request(0, 0).page(recents.clone());
        let moved = recents.remove(99);
        let rest: Vec<String> = recents[99..199].iter().map(|recent| recent.peer.as_str().to_owned()).collect();
        recents.insert(0, RecentContact { time: 2_000_000, ..moved });
        let second = request(first.time, first.index).page(recents);
        assert_eq!(second.items.into_iter().map(|item| item.peer).collect::<Vec<_>>(), rest);
    }

    #[test]
    fn a_conversation_without_a_message_is_listed_on_request() {
        let page = |with_empty| Request { with_empty, ..request(0, 0) }.page(vec![recent(1, 5_000)]);
        assert_eq!((page(true).items.len(), page(false).items.len()), (1, 0));
    }

    #[test]
    fn all_fields_are_required() {
        let good =
            r#"{"From_Account":"a","TimeStamp":0,"StartIndex":0,"TopTimeStamp":0,"TopStartIndex":0,"AssistFlags":7}"#;
        let parse = |json: &str| {
            let object = Object::parse(json).unwrap();
            Request::parse(object.fields(Code::RECENTS_PARAMETER_INVALID)).map_err(|error| error.code.number())
        };
        assert!(parse(good).unwrap().with_empty);
        for field in ["From_Account", "TimeStamp", "StartIndex", "TopTimeStamp", "TopStartIndex", "AssistFlags"] {
            assert_eq!(parse(&good.replace(field, "X")).unwrap_err(), 50002, "{field}");
        }
    }
}
