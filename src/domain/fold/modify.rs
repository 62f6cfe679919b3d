use duolog_topics::{Account, Event, MessageModified, MessageReceipted, MsgKey};

use super::step::Step;
use crate::domain::rows::{
    Change, HistoryEntry, HistoryPlace, MessageRow, Pointer, RowFlags, RowsError, TimelineEntry, TimelineRow,
};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;

impl Step<'_, '_> {
    /// Stands in the sender's home, whoever asks; carried on to the receiver's. The record's own row holds the whole
    /// changed message: the one that sent it may belong to many receivers.
    pub fn message_modified(&mut self, event: &MessageModified) -> Result<Verdict, RowsError> {
        if self.carried() {
            // What the receiver no longer holds needs no change.
            let _ = self.modify_in(&event.to, &event.from, event)?;
            return Ok(Verdict::Applied(Answer::Done));
        }
        let mine = self.modify_in(&event.from, &event.to, event)?;
        if mine == Err(Code::MESSAGE_UNKNOWN) && !event.by_operator || mine == Err(Code::ALREADY_RECALLED) {
            return Ok(Verdict::Refused(mine.err().unwrap_or(Code::MESSAGE_UNKNOWN).into()));
        }
        if !self.is_home_of(&event.to) {
            self.carry(&event.to, &Event::MessageModified(event.clone()))?;
            return Ok(Verdict::Applied(Answer::Done));
        }
        let theirs = if event.from == event.to { mine } else { self.modify_in(&event.to, &event.from, event)? };
        Ok(match mine.or(theirs) {
            Ok(()) => Verdict::Applied(Answer::Done),
            Err(code) => Verdict::Refused(code.into()),
        })
    }

    /// Points one user's view at the changed message.
    fn modify_in(
        &mut self,
        account: &Account,
        peer: &Account,
        event: &MessageModified,
    ) -> Result<Result<(), Code>, RowsError> {
        let found = self.mailbox().find_sent(account, peer, &event.from, event.key)?;
        let (Some((place, row)), Some(mut owner)) = (found, self.mailbox().account(account)?) else {
            return Ok(Err(Code::MESSAGE_UNKNOWN));
        };
        if row.flags.has(RowFlags::RECALLED) {
            return Ok(Err(Code::ALREADY_RECALLED));
        }
        if !self.keep_modified(row.pointer, event)? {
            return Ok(Err(Code::MESSAGE_UNKNOWN));
        }
        let (pointer, flags) = (self.at, row.flags.with(RowFlags::MODIFIED));
        let mut conversation = self.conversation(account, &mut owner, peer)?;
        let changed = HistoryEntry { pointer, flags, ..row };
        self.change_history(account, peer, &mut conversation, place, Some(&changed))?;
        self.point_entry(account, place.sequence, flags, pointer)?;
        let change = Change::Modify { peer: peer.clone(), key: event.key, by: event.by.clone(), pointer };
        conversation.changed = self.add_change(account, &mut owner, change)?;
        self.put_conversation(account, peer, conversation);
        self.put_account(account, owner);
        Ok(Ok(()))
    }

    /// The whole changed message, in this record's own row; whether there was one to change.
    fn keep_modified(&mut self, old: Pointer, event: &MessageModified) -> Result<bool, RowsError> {
        if old == self.at || self.mailbox().message(self.at)?.is_some() {
            return Ok(true);
        }
        let Some(mut message) = self.mailbox().message(old)? else {
            return Ok(false);
        };
        message.record_time = self.time();
        message.receivers = 1;
        message.deliveries = Vec::new();
        if let Some(body) = &event.body {
            message.body = body.clone();
        }
        message.custom = event.custom.clone().or(message.custom);
        self.put(MessageRow::key(self.at), &message);
        Ok(true)
    }

    fn point_entry(
        &mut self,
        account: &Account,
        sequence: u64,
        new_flags: RowFlags,
        new_pointer: Pointer,
    ) -> Result<(), RowsError> {
        if let Some(mut row) = self.mailbox().timeline_row(account, sequence)?
            && let TimelineEntry::Message { flags, pointer, .. } = &mut row.entry
        {
            (*flags, *pointer) = (new_flags, new_pointer);
            self.put(TimelineRow::key(account, sequence), &row);
        }
        Ok(())
    }

    /// Stands in the reader's home; carried to the sender, whose devices show single messages as read.
    pub fn message_receipted(&mut self, event: &MessageReceipted) -> Result<Verdict, RowsError> {
        if self.carried() {
            self.receipted_by(event, &event.keys)?;
            return Ok(Verdict::Applied(Answer::Done));
        }
        if !self.mailbox().exists(&event.reader)? {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        }
        let mut results = Vec::with_capacity(event.keys.len());
        let mut known = Vec::new();
        for key in &event.keys {
            let found = self.mailbox().find_sent(&event.reader, &event.sender, &event.sender, *key)?;
            results.push((event.sender.clone(), found.as_ref().map(|_| ()).ok_or(Code::MESSAGE_UNKNOWN)));
            let Some((place, row)) = found else { continue };
            known.push(*key);
            self.receipt_entry(&event.reader, &event.sender, place, row)?;
        }
        if !known.is_empty() && self.is_home_of(&event.sender) {
            self.receipted_by(event, &known)?;
        } else if !known.is_empty() {
            let carried = MessageReceipted { keys: known, ..event.clone() };
            self.carry(&event.sender, &Event::MessageReceipted(carried))?;
        }
        Ok(Verdict::Applied(Answer::Results(results)))
    }

    /// The sender's side: each message is marked once, and his devices hear of those that were not yet.
    fn receipted_by(&mut self, event: &MessageReceipted, keys: &[MsgKey]) -> Result<(), RowsError> {
        let Some(mut owner) = self.mailbox().account(&event.sender)? else {
            return Ok(());
        };
        let mut newly = Vec::new();
        for key in keys {
            let found = self.mailbox().find_sent(&event.sender, &event.reader, &event.sender, *key)?;
            let Some((place, row)) = found.filter(|(_, row)| !row.flags.has(RowFlags::RECEIPTED)) else { continue };
            self.receipt_entry(&event.sender, &event.reader, place, row)?;
            newly.push(*key);
        }
        if !newly.is_empty() {
            let change = Change::ReceiptKeys { peer: event.reader.clone(), keys: newly };
            self.add_change(&event.sender, &mut owner, change)?;
            self.put_account(&event.sender, owner);
        }
        Ok(())
    }

    fn receipt_entry(
        &mut self,
        account: &Account,
        peer: &Account,
        place: HistoryPlace,
        entry: HistoryEntry,
    ) -> Result<(), RowsError> {
        let mut conversation = self.mailbox().conversation(account, peer)?.unwrap_or_default();
        let entry = HistoryEntry { flags: entry.flags.with(RowFlags::RECEIPTED), ..entry };
        self.change_history(account, peer, &mut conversation, place, Some(&entry))?;
        self.put_conversation(account, peer, conversation);
        Ok(())
    }
}
