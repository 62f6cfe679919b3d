use duolog_topics::{Account, MessageContent, Millis, Origin};

use super::step::Step;
use crate::domain::judge;
use crate::domain::rows::{
    AccountRow, Delivery, HistoryEntry, HistoryPlace, MessageRow, Pointer, RowFlags, RowsError, TimelineEntry,
};
use crate::domain::view::Entry;

/// A message on its way into mailboxes: what both sides of it share.
pub(super) struct Passing<'m> {
    pub from: &'m Account,
    pub content: &'m MessageContent,
    pub message_time: Millis,
    /// The record whose row holds the body.
    pub pointer: Pointer,
}

impl Passing<'_> {
    /// Kept nowhere: only live devices get it.
    pub fn online_only(&self) -> bool {
        self.content.flags.online_only || self.content.life == Some(0)
    }

    fn imported(&self) -> bool {
        self.content.origin == Origin::Import
    }

    fn row(&self, record_time: Millis) -> MessageRow {
        MessageRow::new(self.from, self.content, self.message_time, record_time)
    }
}

/// How a message enters one side of a conversation.
#[derive(Clone, Copy)]
pub(super) struct Entering {
    pub flags: RowFlags,
    /// Whether the timeline gets an entry, so that devices follow.
    pub entry: bool,
}

impl Step<'_, '_> {
    /// A message reaches a receiver whose home is here, or is dropped.
    pub fn deliver(&mut self, receiver: &Account, message: &Passing<'_>) -> Result<Delivery, RowsError> {
        let Some(mut owner) = self.mailbox().account(receiver)? else {
            return Ok(Delivery::unknown(receiver));
        };
        let online = owner.is_attended(self.meta().epoch);
        if let Some(code) = judge::arrival(&self.mailbox(), receiver, &owner, message.from, message.content)? {
            let unread_total = owner.unread_total;
            return Ok(Delivery { receiver: receiver.clone(), code: code.number(), unread_total, online });
        }
        let counts = !message.content.flags.no_unread && !message.online_only();
        let flags = RowFlags::INCOMING.when(counts, RowFlags::COUNTS);
        let how = Entering { flags, entry: !message.imported() };
        self.enter(receiver, &mut owner, message.from, message, how, None)?;
        let unread_total = owner.unread_total;
        self.put_account(receiver, owner);
        Ok(Delivery { receiver: receiver.clone(), code: 0, unread_total, online })
    }

    /// A message to oneself is where it belongs with the sender's copy, and is not unread.
    pub fn delivered_to_oneself(&self, account: &Account) -> Result<Delivery, RowsError> {
        let Some(owner) = self.mailbox().account(account)? else {
            return Ok(Delivery::unknown(account));
        };
        let online = owner.is_attended(self.meta().epoch);
        Ok(Delivery { receiver: account.clone(), code: 0, unread_total: owner.unread_total, online })
    }

    /// A message enters one side of a conversation: history, timeline, conversation, recent contacts, live devices. Returns
    /// the sequence that it took; none if it is not kept.
    pub fn enter(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        peer: &Account,
        message: &Passing<'_>,
        how: Entering,
        by_session: Option<&String>,
    ) -> Result<Option<u64>, RowsError> {
        if message.online_only() {
            if how.entry && self.heard_by(owner) {
                let entry = live_entry(account, peer, how.flags, message, self.time());
                self.announce(account, None, entry, by_session.cloned());
            }
            return Ok(None);
        }
        let sequence = owner.next_sequence();
        let at = HistoryPlace { time: message.message_time, sequence };
        self.move_conversation(account, owner, peer, message, how.flags, at)?;
        if how.entry {
            let until = message.content.life.map(|life| self.time() + u64::from(life) * 1000);
            let entry =
                TimelineEntry::Message { peer: peer.clone(), flags: how.flags, pointer: message.pointer, until };
            let place = self.add_entry(account, owner, sequence, entry)?;
            if self.heard_by(owner) {
                let entry = live_entry(account, peer, how.flags, message, self.time());
                self.announce(account, Some(place), entry, by_session.cloned());
            }
        }
        Ok(Some(sequence))
    }

    /// The conversation gets a new message: its history, its marks, its unread, its place among the recent contacts.
    fn move_conversation(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        peer: &Account,
        message: &Passing<'_>,
        flags: RowFlags,
        at: HistoryPlace,
    ) -> Result<(), RowsError> {
        let mut held = self.conversation(account, owner, peer)?;
        let row = &mut *held;
        let entry = HistoryEntry {
            record_time: self.time(),
            flags,
            pointer: message.pointer,
            msg_seq: message.content.msg_seq,
            random: message.content.random,
        };
        self.add_to_history(account, peer, row, at, entry)?;
        row.record_time = row.record_time.max(self.time());
        row.newest_time = row.newest_time.max(at.time);
        row.changed = at.sequence;
        if flags.has(RowFlags::INCOMING) {
            row.newest_received = row.newest_received.max(at.time);
        }
        if at.time <= row.cleared.time {
            row.cleared.time = at.time.saturating_sub(1);
        }
        let counts = flags.has(RowFlags::COUNTS) && row.counts_at(at.time);
        if counts {
            row.unread += 1;
            owner.unread_total += 1;
        }
        let shows = !message.content.flags.no_last_message;
        let newest = row.last.is_none_or(|last| last < at);
        if shows && newest {
            row.last = Some(at);
        }
        if (shows && newest) || row.recent.is_none() && (shows || counts) {
            self.move_recent(account, owner, peer, row, at.time);
        }
        self.put_conversation(account, peer, held);
        self.evict_recents(account, owner)
    }
}

/// The message as a live device sees it: nobody has read it yet.
fn live_entry(account: &Account, peer: &Account, flags: RowFlags, message: &Passing<'_>, record_time: Millis) -> Entry {
    Entry::Message(crate::domain::view::view_of(account, peer, flags, message.row(record_time), false))
}
