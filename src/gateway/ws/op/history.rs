use duolog_topics::{Account, Millis};
use serde::Deserialize;

use super::args::{key, page_size};
use super::{Context, Granted};
use crate::domain::rows::{Direction, HistoryPlace};
use crate::domain::view::{HistoryFrom, HistoryPage, HistoryQuery};
use crate::error::Code;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::entry::write_message;
use crate::gateway::ws::protocol::fit::{message_bytes, that_fit};
use crate::gateway::ws::protocol::frame::object;
use crate::gateway::ws::protocol::json::object_text;

/// Messages in a page of history.
pub const HISTORY_PAGE: usize = 100;

/// `history`: a page of one conversation.
pub struct History {
    peer: Account,
    query: HistoryQuery,
}

#[derive(Deserialize)]
struct Args {
    peer: Account,
    before: Option<String>,
    after: Option<String>,
    limit: Option<u64>,
    since_time: Option<Millis>,
    until_time: Option<Millis>,
}

impl History {
    /// # Errors
    /// 90054 for a place that is none, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let args: Args = object(args)?;
        let (direction, from) = match (&args.before, &args.after) {
            (Some(_), Some(_)) => return Err(Failure::malformed("before and after exclude each other")),
            (None, Some(after)) => (Direction::Forward, Some(after)),
            (before, None) => (Direction::Backward, before.as_ref()),
        };
        let from = from.map(|text| place_or_key(text)).transpose()?;
        let limit = page_size(args.limit, HISTORY_PAGE)?;
        let query = HistoryQuery { direction, from, limit, since: args.since_time, until: args.until_time };
        Ok(Self { peer: args.peer, query })
    }

    pub fn peer(&self) -> &Account {
        &self.peer
    }

    /// # Errors
    /// 20022 if the page is to begin at a message that is unknown.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let direction = self.query.direction;
        let page = context.read(move |mailbox, account| mailbox.history(account, &self.peer, &self.query)).await?;
        let mut page = page.ok_or(Code::MESSAGE_UNKNOWN)?;
        shorten(&mut page, direction);
        Ok(Granted::Ok(rendered(context.account(), direction, &page)))
    }
}

/// Cuts a page to what goes into one frame, at the end from which the next one goes on.
fn shorten(page: &mut HistoryPage, direction: Direction) {
    let sizes = page.list.iter().map(|(_, message)| message_bytes(message));
    let fit = match direction {
        Direction::Backward => that_fit(sizes.rev()),
        Direction::Forward => that_fit(sizes),
    };
    let Some(fit) = fit else { return };
    page.complete = false;
    match direction {
        Direction::Backward => drop(page.list.drain(..page.list.len() - fit)),
        Direction::Forward => page.list.truncate(fit),
    }
}

fn rendered(account: &Account, direction: Direction, page: &HistoryPage) -> String {
    let edge = match direction {
        Direction::Backward => page.list.first(),
        Direction::Forward => page.list.last(),
    };
    object_text(|object| {
        object.list("list", &page.list, |out, (place, message)| {
            write_message(out, account, Some(place.sequence), message);
        });
        if let Some((place, _)) = edge.filter(|_| !page.complete) {
            object.name("next", format_args!("{}-{}", place.time, place.sequence));
        }
        object.boolean("complete", page.complete);
    })
}

/// A `next` is `<message time>-<sequence>`; a message's key has other separators.
fn place_or_key(text: &str) -> Result<HistoryFrom, Failure> {
    let Some((time, sequence)) = text.split_once('-') else {
        return key(text).map(HistoryFrom::Key);
    };
    match (time.parse(), sequence.parse()) {
        (Ok(time), Ok(sequence)) => Ok(HistoryFrom::Place(HistoryPlace { time, sequence })),
        _ => Err(Failure::new(Code::MSG_KEY_INVALID, "neither a message's key nor a next")),
    }
}

#[cfg(test)]
mod tests {
    use duolog_topics::{MsgKey, Origin, RawJson};
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::view::{MessageFlagsView, MessageView};

    fn query(args: &Value) -> HistoryQuery {
        match History::parse(&args.to_string()) {
            Ok(history) => history.query,
            Err(failure) => panic!("{args}: {failure:?}"),
        }
    }

    fn code(args: &Value) -> u32 {
        History::parse(&args.to_string()).err().expect("refused").code.number()
    }

    #[test]
    fn a_page_begins_at_the_newest_at_a_key_or_where_the_last_one_ended() {
        let newest = query(&json!({"peer": "b"}));
        assert_eq!((newest.direction, newest.from, newest.limit), (Direction::Backward, None, HISTORY_PAGE));
        let key = MsgKey { seq: 1, random: 2, time: 3 };
        assert_eq!(query(&json!({"peer": "b", "before": "1_2_3"})).from, Some(HistoryFrom::Key(key)));
        let forward = query(&json!({"peer": "b", "after": "5-6", "limit": 7, "since_time": 8, "until_time": 9}));
        assert_eq!(forward.direction, Direction::Forward);
        assert_eq!(forward.from, Some(HistoryFrom::Place(HistoryPlace { time: 5, sequence: 6 })));
        assert_eq!((forward.limit, forward.since, forward.until), (7, Some(8), Some(9)));
        assert_eq!(query(&json!({"peer": "b", "limit": 1000})).limit, HISTORY_PAGE);
    }

    fn message(bytes: usize) -> MessageView {
        let (alice, bob) = (Account::new("alice").unwrap(), Account::new("bob").unwrap());
        let body = RawJson::from_checked(format!("[\"{}\"]", "x".repeat(bytes - 4)));
        let (key, flags) = (MsgKey { seq: 7, random: 8, time: 9 }, MessageFlagsView::default());
        let (origin, custom) = (Origin::Client, None);
        MessageView {
            key,
            from: alice,
            to: bob,
            time: 9_000,
            body,
            custom,
            random: 8,
            msg_seq: 7,
            origin,
            flags,
            peer_read: false,
        }
    }

    #[test]
    fn a_page_of_long_messages_is_cut_where_the_next_one_goes_on() {
        let list = (1..=100).map(|place| (HistoryPlace { time: place, sequence: place }, message(8_192)));
        let whole = HistoryPage { list: list.collect(), complete: true };
        for (direction, first, last) in [(Direction::Backward, 86, 100), (Direction::Forward, 1, 15)] {
            let mut page = whole.clone();
            shorten(&mut page, direction);
            let places: Vec<u64> = page.list.iter().map(|(place, _)| place.sequence).collect();
            assert_eq!((places, page.complete), ((first..=last).collect::<Vec<u64>>(), false));
        }
        let mut few = HistoryPage { list: whole.list[..10].to_vec(), complete: true };
        shorten(&mut few, Direction::Backward);
        assert_eq!((few.list.len(), few.complete), (10, true));
    }

    #[test]
    fn wrong_fields_have_their_codes() {
        assert_eq!(code(&json!({})), 60_003);
        assert_eq!(code(&json!({"peer": "b", "limit": 0})), 60_003);
        assert_eq!(code(&json!({"peer": "b", "before": "1_2_3", "after": "1_2_3"})), 60_003);
        for place in ["", "x", "1_2", "1-", "-1", "1-2-3"] {
            assert_eq!(code(&json!({"peer": "b", "before": place})), 90_054, "{place}");
        }
    }
}
