use std::ops::ControlFlow;

use duolog_topics::{Account, Event, MessageDeleted, MessageRecalled, Millis};

use super::step::Step;
use crate::domain::rows::{
    AccountRow, Change, ConversationRow, Direction, HistoryEntry, HistoryPlace, MessageRow, Outcome, Pointer, RowFlags,
    RowsError, TimelineEntry, TimelineRow,
};
use crate::domain::verdict::{Answer, Verdict, empty_body};
use crate::error::Code;

/// What one user's view held of a message that is taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    Recalled,
    Message,
}

impl Step<'_, '_> {
    /// Stands in the sender's home, whoever asks; carried on to the receiver's, so it follows the message on its way.
    pub fn message_recalled(&mut self, event: &MessageRecalled) -> Result<Verdict, RowsError> {
        if self.carried() {
            if self.recall_in(&event.to, &event.from, event)? != Held::Recalled {
                self.keep_recalled(&event.to)?;
            }
            return Ok(Verdict::Applied(Answer::Done));
        }
        if let Some(code) = self.recall_refused(event)? {
            return Ok(Verdict::Refused(code.into()));
        }
        let mine = self.recall_in(&event.from, &event.to, event)?;
        if mine == Held::Recalled {
            return Ok(Verdict::Refused(Code::ALREADY_RECALLED.into()));
        }
        if !self.is_home_of(&event.to) {
            self.carry(&event.to, &Event::MessageRecalled(event.clone()))?;
            return Ok(Verdict::Applied(Answer::Done));
        }
        let theirs = if event.from == event.to { mine } else { self.recall_in(&event.to, &event.from, event)? };
        Ok(match (mine, theirs) {
            (Held::Nothing, Held::Nothing) => Verdict::Refused(Code::MESSAGE_UNKNOWN.into()),
            (Held::Nothing, Held::Recalled) => Verdict::Refused(Code::ALREADY_RECALLED.into()),
            _ => {
                self.keep_recalled(&event.to)?;
                Verdict::Applied(Answer::Done)
            }
        })
    }

    /// Consumers hear of a recall in the receiver's home. What he has deleted from his view is taken back as well.
    fn keep_recalled(&mut self, receiver: &Account) -> Result<(), RowsError> {
        let unread_total = self.mailbox().account(receiver)?.map_or(0, |owner| owner.unread_total);
        self.keep(Outcome::Recalled { unread_total });
        Ok(())
    }

    /// A client takes back his own messages only, and only for a while. What his view does not hold an operator may
    /// still take back from the receiver.
    fn recall_refused(&self, event: &MessageRecalled) -> Result<Option<Code>, RowsError> {
        let found = self.mailbox().find_sent(&event.from, &event.to, &event.from, event.key)?;
        if event.by_operator {
            let here = found.is_some() || self.mailbox().exists(&event.to)? || !self.is_home_of(&event.to);
            return Ok((!here).then_some(Code::MESSAGE_UNKNOWN));
        }
        let Some((place, row)) = found.filter(|_| event.by == event.from) else {
            return Ok(Some(Code::MESSAGE_UNKNOWN));
        };
        if row.flags.has(RowFlags::RECALLED) {
            return Ok(Some(Code::ALREADY_RECALLED));
        }
        let last = place.time.saturating_add(self.meta().policy.recall_seconds * 1000);
        Ok((self.time() > last).then_some(Code::RECALL_TOO_LATE))
    }

    /// Takes a message back from one user's view: history, timeline, unread; devices hear of it.
    fn recall_in(&mut self, account: &Account, peer: &Account, event: &MessageRecalled) -> Result<Held, RowsError> {
        let Some((place, row)) = self.mailbox().find_sent(account, peer, &event.from, event.key)? else {
            return Ok(Held::Nothing);
        };
        let Some(mut owner) = self.mailbox().account(account)? else {
            return Ok(Held::Nothing);
        };
        if row.flags.has(RowFlags::RECALLED) {
            return Ok(Held::Recalled);
        }
        let flags = row.flags.with(RowFlags::RECALLED).without(RowFlags::COUNTS);
        self.empty_body(row.pointer)?;
        let mut conversation = self.conversation(account, &mut owner, peer)?;
        uncount(&mut owner, &mut conversation, &row, place.time);
        let recalled = HistoryEntry { flags, ..row };
        self.change_history(account, peer, &mut conversation, place, Some(&recalled))?;
        self.flag_entry(account, place.sequence, flags)?;
        let change = Change::Recall { peer: peer.clone(), key: event.key, by: event.by.clone() };
        conversation.changed = self.add_change(account, &mut owner, change)?;
        self.put_conversation(account, peer, conversation);
        self.put_account(account, owner);
        Ok(Held::Message)
    }

    /// The row of the record holds the body for every receiver: it is emptied only where there was one.
    fn empty_body(&mut self, pointer: Pointer) -> Result<(), RowsError> {
        if let Some(mut row) = self.mailbox().message(pointer)?.filter(|row| row.receivers == 1) {
            row.body = empty_body();
            row.custom = None;
            row.push = None;
            self.put(MessageRow::key(pointer), &row);
        }
        Ok(())
    }

    fn flag_entry(&mut self, account: &Account, sequence: u64, new: RowFlags) -> Result<(), RowsError> {
        if let Some(mut row) = self.mailbox().timeline_row(account, sequence)?
            && let TimelineEntry::Message { flags, .. } = &mut row.entry
        {
            *flags = new;
            self.put(TimelineRow::key(account, sequence), &row);
        }
        Ok(())
    }

    /// Messages leave one user's own view, whatever the other side keeps.
    pub fn message_deleted(&mut self, event: &MessageDeleted) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut owner) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        };
        let mut conversation = self.conversation(&account, &mut owner, &event.peer)?;
        let mut results = Vec::with_capacity(event.keys.len());
        let mut gone = Vec::new();
        for key in &event.keys {
            let found = self.mailbox().find_message(&account, &event.peer, *key)?;
            results.push((event.peer.clone(), found.as_ref().map(|_| ()).ok_or(Code::MESSAGE_UNKNOWN)));
            let Some((place, row)) = found else { continue };
            uncount(&mut owner, &mut conversation, &row, place.time);
            self.change_history(&account, &event.peer, &mut conversation, place, None)?;
            // A key that comes twice is looked for again.
            self.put_conversation(&account, &event.peer, conversation.clone());
            self.flag_entry(&account, place.sequence, row.flags.with(RowFlags::DELETED))?;
            gone.push(*key);
        }
        if !gone.is_empty() {
            if conversation.last.is_some() {
                conversation.last = self.newest_shown(&account, &event.peer, &conversation)?;
            }
            let change = Change::Delete { peer: event.peer.clone(), keys: gone };
            conversation.changed = self.add_change(&account, &mut owner, change)?;
            self.put_conversation(&account, &event.peer, conversation);
            self.put_account(&account, owner);
        }
        Ok(Verdict::Applied(Answer::Results(results)))
    }

    /// The newest message that a conversation may show as its last. What it passes over has expired or was sent not to be
    /// shown; both are few above a message that still is there.
    fn newest_shown(
        &self,
        account: &Account,
        peer: &Account,
        conversation: &ConversationRow,
    ) -> Result<Option<HistoryPlace>, RowsError> {
        let mut newest = None;
        let mailbox = self.mailbox();
        mailbox.messages(account, peer, &conversation.newest).walk(Direction::Backward, |place, row| {
            if place.sequence > conversation.cleared.sequence
                && mailbox.message(row.pointer)?.is_some_and(|message| !message.flags().no_last_message)
            {
                newest = Some(place);
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(newest)
    }
}

/// A message that counted as unread no longer does.
fn uncount(owner: &mut AccountRow, conversation: &mut ConversationRow, row: &HistoryEntry, time: Millis) {
    if row.flags.has(RowFlags::COUNTS) && conversation.counts_at(time) && conversation.unread > 0 {
        conversation.unread -= 1;
        owner.unread_total = owner.unread_total.saturating_sub(1);
    }
}
