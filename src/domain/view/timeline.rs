use std::ops::{Bound, ControlFlow};

use duolog_topics::{Account, ProfileItem};

use super::history::view_of;
use super::{ChangeView, Entry, Mailbox};
use crate::domain::rows::{
    AccountRow, Change, ConversationRow, Direction, KeyRange, Row, RowFlags, RowsError, TimelineEntry, TimelineRow,
};

/// Entries of a timeline, ascending by sequence.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TimelinePage {
    pub list: Vec<(u64, Entry)>,
    /// Everything up to here is in this page or before it.
    pub cursor: u64,
    pub more: bool,
}

impl Mailbox<'_> {
    /// The entries above `after`, at most `limit`. Cost: one seek, then a read for each message.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn timeline(&self, account: &Account, after: u64, limit: usize) -> Result<TimelinePage, RowsError> {
        let head = self.account(account)?.map_or(0, |row| row.sequence);
        let mut page = TimelinePage { list: Vec::new(), cursor: after.max(head), more: false };
        self.timeline_rows(account, after, |sequence, row| {
            if page.list.len() == limit {
                page.more = true;
                page.cursor = page.list.last().map_or(after, |(sequence, _)| *sequence);
                return Ok(ControlFlow::Break(()));
            }
            if let Some(entry) = self.entry(account, &row)? {
                page.list.push((sequence, entry));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(page)
    }

    /// Sequences above `cursor` that the timeline held once and no longer holds, both ends included.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn gap(&self, account: &Account, row: &AccountRow, cursor: u64) -> Result<Option<(u64, u64)>, RowsError> {
        let mut first = None;
        self.timeline_rows(account, cursor, |_, row| {
            first = Some(row.previous);
            Ok(ControlFlow::Break(()))
        })?;
        let last_gone = first.unwrap_or(row.last_entry);
        Ok((last_gone > cursor).then_some((cursor + 1, last_gone)))
    }

    /// Visits the present rows above `after`: not expired, and among the newest that the policy keeps.
    fn timeline_rows(
        &self,
        account: &Account,
        after: u64,
        mut visit: impl FnMut(u64, TimelineRow) -> Result<ControlFlow<()>, RowsError>,
    ) -> Result<(), RowsError> {
        let Some(owner) = self.account(account)? else {
            return Ok(());
        };
        let oldest = owner.entries.saturating_sub(u64::from(self.meta.policy.offline_messages));
        let from = TimelineRow::key(account, after.saturating_add(1)).into_bytes();
        let end = TimelineRow::key(account, u64::MAX).into_bytes();
        let range = KeyRange { from: Bound::Included(&from), until: Bound::Included(&end) };
        self.walk_range(range, Direction::Forward, |key, value| {
            match self.visible(Some(TimelineRow::decode(value)?))? {
                Some(row) if row.ordinal > oldest => visit(TimelineRow::sequence(key)?, row),
                _ => Ok(ControlFlow::Continue(())),
            }
        })
    }

    /// What a row says to a device; `None` if its life is over, it was deleted or its body is gone.
    fn entry(&self, account: &Account, row: &TimelineRow) -> Result<Option<Entry>, RowsError> {
        let change = match &row.entry {
            TimelineEntry::Message { until: Some(until), .. } if *until < self.meta.time => return Ok(None),
            TimelineEntry::Message { flags, .. } if flags.has(RowFlags::DELETED) => return Ok(None),
            TimelineEntry::Message { peer, flags, pointer, .. } => {
                let Some(message) = self.message(*pointer)? else {
                    return Ok(None);
                };
                let conversation = self.conversation(account, peer)?.unwrap_or_default();
                let read = read_mark(&conversation, *flags);
                let peer_read = message.message_time <= read || flags.has(RowFlags::RECEIPTED);
                return Ok(Some(Entry::Message(view_of(account, peer, *flags, message, peer_read))));
            }
            TimelineEntry::Change(change) => change,
        };
        Ok(self.change_view(change)?.map(|change| Entry::Change { time: row.record_time, change }))
    }

    pub(crate) fn change_view(&self, change: &Change) -> Result<Option<ChangeView>, RowsError> {
        Ok(Some(match change.clone() {
            Change::Recall { peer, key, by } => ChangeView::Recall { peer, key, by },
            Change::Modify { peer, key, by, pointer } => match self.message(pointer)? {
                Some(message) => ChangeView::Modify { peer, key, by, body: message.body, custom: message.custom },
                None => return Ok(None),
            },
            Change::Delete { peer, keys } => ChangeView::Delete { peer, keys },
            Change::DeleteUntil { peer, until } => ChangeView::DeleteUntil { peer, until },
            Change::Read { peer, until, unread, unread_total } => {
                ChangeView::Read { peer, until, unread, unread_total }
            }
            Change::Receipt { peer, until } => ChangeView::Receipt { peer, until },
            Change::ReceiptKeys { peer, keys } => ChangeView::ReceiptKeys { peer, keys },
            Change::RecentRemoved { peer } => ChangeView::RecentRemoved { peer },
            Change::Relation { block, peer, added, remark, groups } => {
                ChangeView::Relation { block, peer, added, remark, groups }
            }
            Change::Profile { items } => ChangeView::Profile { items: items.iter().map(ProfileItem::from).collect() },
        }))
    }
}

/// The mark that says whether a message was read by whoever received it.
fn read_mark(conversation: &ConversationRow, flags: RowFlags) -> u64 {
    if flags.has(RowFlags::INCOMING) { conversation.read_time } else { conversation.peer_read_time }
}
