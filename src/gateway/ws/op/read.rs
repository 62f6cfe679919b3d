use duolog_topics::{Account, ConversationRead, Millis, MsgKey};
use serde::Deserialize;

use super::args::key;
use super::{Context, Granted};
use crate::domain::verdict::Answer;
use crate::error::Code;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;
use crate::gateway::ws::protocol::json::object_text;

/// `read`: the user has read a conversation, up to a message or all of it.
pub struct Read {
    peer: Account,
    until: Until,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Until {
    End,
    Time(Millis),
    Message(MsgKey),
}

#[derive(Deserialize)]
struct Args {
    peer: Account,
    key: Option<String>,
    until: Option<Millis>,
}

impl Read {
    /// # Errors
    /// 90054 for a key that is none, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let args: Args = object(args)?;
        let until = match (&args.key, args.until) {
            (Some(_), Some(_)) => return Err(Failure::malformed("key and until exclude each other")),
            (Some(text), None) => Until::Message(key(text)?),
            (None, Some(time)) => Until::Time(time),
            (None, None) => Until::End,
        };
        Ok(Self { peer: args.peer, until })
    }

    pub fn peer(&self) -> &Account {
        &self.peer
    }

    /// # Errors
    /// 20022 for a key that names no message.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let until = match self.until {
            Until::End => None,
            Until::Time(time) => Some(time),
            Until::Message(key) => {
                let peer = self.peer.clone();
                let found = context.read(move |mailbox, account| mailbox.find_message(account, &peer, key)).await?;
                let (place, _) = found.ok_or(Code::MESSAGE_UNKNOWN)?;
                Some(place.time)
            }
        };
        let (reader, via) = (context.account().clone(), context.via());
        let event = ConversationRead { reader, peer: self.peer, until, via };
        let total = match context.submit(event).await? {
            Answer::Read { unread_total } => unread_total,
            _ => return Err(Code::INTERNAL_ERROR.into()),
        };
        Ok(Granted::Ok(object_text(|object| {
            object.number("unread_total", total);
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_a_message_a_time_or_the_end() {
        let until = |args: &str| Read::parse(args).map(|read| read.until).map_err(|failure| failure.code.number());
        assert_eq!(until(r#"{"peer": "b"}"#), Ok(Until::End));
        assert_eq!(until(r#"{"peer": "b", "until": 5}"#), Ok(Until::Time(5)));
        let key = MsgKey { seq: 1, random: 2, time: 3 };
        assert_eq!(until(r#"{"peer": "b", "key": "1_2_3"}"#), Ok(Until::Message(key)));
        assert_eq!(until(r#"{"peer": "b", "key": "1_2"}"#), Err(90_054));
        assert_eq!(until(r#"{"peer": "b", "key": "1_2_3", "until": 5}"#), Err(60_003));
    }
}
