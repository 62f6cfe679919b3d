use std::ops::{Bound, ControlFlow};

use duolog_topics::{Account, Millis, MsgKey};

use super::{Mailbox, MessageFlagsView, MessageView};
use crate::domain::rows::{
    ConversationRow, Direction, HistoryPlace, HistoryRow, KeyRange, MessageRow, RowFlags, RowsError,
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
    /// A page of history. Cost: one seek, then a read for each message.
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
        let (low, high) = bounds(query, from, conversation.cleared.time);
        let low_key = HistoryRow::key(account, peer, low).into_bytes();
        let high_key = HistoryRow::key(account, peer, high).into_bytes();
        let mut page = HistoryPage { list: Vec::new(), complete: true };
        if low_key >= high_key {
            return Ok(Some(page));
        }
        let range = KeyRange { from: Bound::Included(&low_key), until: Bound::Excluded(&high_key) };
        self.walk_range(range, query.direction, |key, value| {
            let place = HistoryRow::place(key)?;
            let row = self.history_row(value)?.filter(|_| place.sequence > conversation.cleared.sequence);
            let Some(row) = row else {
                return Ok(ControlFlow::Continue(()));
            };
            if page.list.len() == query.limit {
                page.complete = false;
                return Ok(ControlFlow::Break(()));
            }
            if let Some(message) = self.message(row.pointer)? {
                page.list.push((place, self.message_view(account, peer, &row, message, &conversation)));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if query.direction == Direction::Backward {
            page.list.reverse();
        }
        Ok(Some(page))
    }

    /// The place and row of a message in one user's view, whoever of the two sent it.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn find_message(
        &self,
        account: &Account,
        peer: &Account,
        key: MsgKey,
    ) -> Result<Option<(HistoryPlace, HistoryRow)>, RowsError> {
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
    ) -> Result<Option<(HistoryPlace, HistoryRow)>, RowsError> {
        let sent = |row: &HistoryRow| row.flags.has(RowFlags::INCOMING) == (account != from);
        let stands = |row: &HistoryRow| sent(row) && !row.flags.has(RowFlags::RECALLED);
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
        wanted: impl Fn(&HistoryRow) -> bool,
    ) -> Result<Option<(HistoryPlace, HistoryRow)>, RowsError> {
        let first = HistoryPlace { time: key.time.saturating_mul(1000), sequence: 0 };
        let after = HistoryPlace { time: first.time.saturating_add(1000), sequence: 0 };
        let from = HistoryRow::key(account, peer, first).into_bytes();
        let until = HistoryRow::key(account, peer, after).into_bytes();
        let mut found = None;
        let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&until) };
        self.walk_range(range, Direction::Forward, |row_key, value| {
            if let Some(row) = self.history_row(value)?
                && row.msg_seq == key.seq
                && row.random == key.random
                && wanted(&row)
            {
                found = Some((HistoryRow::place(row_key)?, row));
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    pub(crate) fn message_view(
        &self,
        account: &Account,
        peer: &Account,
        row: &HistoryRow,
        message: MessageRow,
        conversation: &ConversationRow,
    ) -> MessageView {
        let incoming = row.flags.has(RowFlags::INCOMING);
        let read = if incoming { conversation.read_time } else { conversation.peer_read_time };
        let peer_read = message.message_time <= read || row.flags.has(RowFlags::RECEIPTED);
        view_of(account, peer, row.flags, message, peer_read)
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

/// The places that a query covers: the lower one included, the upper one excluded.
fn bounds(query: &HistoryQuery, from: Option<HistoryPlace>, cleared: Millis) -> (HistoryPlace, HistoryPlace) {
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
    (low, high)
}
