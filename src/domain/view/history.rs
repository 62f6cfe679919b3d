use std::ops::{ControlFlow, Range};

use duolog_topics::{Account, Millis, MsgKey};

use super::{Mailbox, MessageFlagsView, MessageView};
use crate::domain::rows::{
    ConversationRow, Direction, HistoryEntry, HistoryPlace, MessageRow, PlacedEntry, RowFlags, RowsError,
};
use crate::domain::verdict::empty_body;

/// Where a page of history begins, exclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HistoryFrom {
    Place(HistoryPlace),
    Key(MsgKey),
}

/// A page of one conversation, as one user sees it.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    /// `Backward`: the newest page first. `Forward`: the oldest first.
    pub direction: Direction,
    pub from: Option<HistoryFrom>,
    pub limit: usize,
    /// Message times, both ends included.
    pub since: Option<Millis>,
    pub until: Option<Millis>,
}

/// Ascending by time, then sequence, in both directions.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryPage {
    pub list: Vec<(HistoryPlace, MessageView)>,
    /// Whether nothing follows in the direction asked for.
    pub complete: bool,
}

impl Mailbox<'_> {
    /// A page of history. Cost: at most two seeks, then a read for each message.
    ///
    /// # Errors
    /// If rows cannot be read. A `from` key that names no message gives `None`.
    pub fn history(
        &self,
        account: &Account,
        peer: &Account,
        query: &HistoryQuery,
    ) -> Result<Option<HistoryPage>, RowsError> {
        let from = match query.from {
            None => None,
            Some(HistoryFrom::Place(place)) => Some(place),
            Some(HistoryFrom::Key(key)) => match self.find_message(account, peer, key)? {
                Some((place, _)) => Some(place),
                None => return Ok(None),
            },
        };
        let conversation = self.conversation(account, peer)?.unwrap_or_default();
        let asked = places(query, from, conversation.cleared.time);
        let mut page = HistoryPage { list: Vec::new(), complete: true };
        self.messages(account, peer, &conversation.newest).walk_within(asked, query.direction, |place, entry| {
            if place.sequence <= conversation.cleared.sequence {
                return Ok(ControlFlow::Continue(()));
            }
            if page.list.len() == query.limit {
                page.complete = false;
                return Ok(ControlFlow::Break(()));
            }
            if let Some(message) = self.message(entry.pointer)? {
                page.list.push((place, self.message_view(account, peer, &entry, message, &conversation)));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if query.direction == Direction::Backward {
            page.list.reverse();
        }
        Ok(Some(page))
    }

    /// The place of a message in one user's view and what stands there, whoever of the two sent it.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn find_message(
        &self,
        account: &Account,
        peer: &Account,
        key: MsgKey,
    ) -> Result<Option<PlacedEntry>, RowsError> {
        self.find_where(account, peer, key, |_| true)
    }

    /// The same, of the messages that `from` sent: the other one may have sent one with this key too. If several have it,
    /// the first one that is not recalled.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn find_sent(
        &self,
        account: &Account,
        peer: &Account,
        from: &Account,
        key: MsgKey,
    ) -> Result<Option<PlacedEntry>, RowsError> {
        let sent = |entry: &HistoryEntry| entry.flags.has(RowFlags::INCOMING) == (account != from);
        let stands = |entry: &HistoryEntry| sent(entry) && !entry.flags.has(RowFlags::RECALLED);
        match self.find_where(account, peer, key, stands)? {
            Some(found) => Ok(Some(found)),
            None => self.find_where(account, peer, key, sent),
        }
    }

    fn find_where(
        &self,
        account: &Account,
        peer: &Account,
        key: MsgKey,
        wanted: impl Fn(&HistoryEntry) -> bool,
    ) -> Result<Option<PlacedEntry>, RowsError> {
        let first = HistoryPlace { time: key.time.saturating_mul(1000), sequence: 0 };
        let after = HistoryPlace { time: first.time.saturating_add(1000), sequence: 0 };
        let Some(conversation) = self.conversation(account, peer)? else {
            return Ok(None);
        };
        let mut found = None;
        let messages = self.messages(account, peer, &conversation.newest);
        messages.walk_within(first..after, Direction::Forward, |place, entry| {
            if entry.msg_seq != key.seq || entry.random != key.random || !wanted(&entry) {
                return Ok(ControlFlow::Continue(()));
            }
            found = Some((place, entry));
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    pub(crate) fn message_view(
        &self,
        account: &Account,
        peer: &Account,
        entry: &HistoryEntry,
        message: MessageRow,
        conversation: &ConversationRow,
    ) -> MessageView {
        let incoming = entry.flags.has(RowFlags::INCOMING);
        let read = if incoming { conversation.read_time } else { conversation.peer_read_time };
        let peer_read = message.message_time <= read || entry.flags.has(RowFlags::RECEIPTED);
        view_of(account, peer, entry.flags, message, peer_read)
    }
}

/// A message as one side of the conversation sees it.
pub(crate) fn view_of(
    account: &Account,
    peer: &Account,
    row: RowFlags,
    message: MessageRow,
    peer_read: bool,
) -> MessageView {
    let (from, to) = if row.has(RowFlags::INCOMING) { (peer, account) } else { (account, peer) };
    let recalled = row.has(RowFlags::RECALLED);
    let (flags, origin, key) = (message.flags(), message.origin(), message.msg_key());
    MessageView {
        key,
        from: from.clone(),
        to: to.clone(),
        time: message.message_time,
        body: if recalled { empty_body() } else { message.body },
        custom: if recalled { None } else { message.custom },
        random: message.random,
        msg_seq: message.msg_seq,
        origin,
        flags: MessageFlagsView {
            recalled,
            modified: row.has(RowFlags::MODIFIED),
            online_only: flags.online_only,
            no_unread: flags.no_unread,
            no_last_message: flags.no_last_message,
            receipt_wanted: flags.receipt_wanted,
        },
        peer_read,
    }
}

/// The places that a query covers.
fn places(query: &HistoryQuery, from: Option<HistoryPlace>, cleared: Millis) -> Range<HistoryPlace> {
    let mut low = HistoryPlace { time: query.since.unwrap_or(0).max(cleared), sequence: 0 };
    let mut high = HistoryPlace { time: query.until.map_or(u64::MAX, |until| until.saturating_add(1)), sequence: 0 };
    if let Some(place) = from {
        match query.direction {
            Direction::Backward => high = high.min(place),
            Direction::Forward => {
                low = low.max(HistoryPlace { time: place.time, sequence: place.sequence.saturating_add(1) });
            }
        }
    }
    low..high
}
