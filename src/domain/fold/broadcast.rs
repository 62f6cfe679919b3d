use std::ops::{Bound, ControlFlow};

use duolog_topics::{Account, BroadcastIssued, Event, Millis};

use super::STEP_LIMIT;
use super::step::Step;
use crate::domain::judge::{self, BROADCAST_WINDOW, Judged};
use crate::domain::rows::{
    AccountRow, Asked, BroadcastRow, Direction, Key, KeyRange, KeyReader, MessageRow, Row, RowFlags, RowsError,
    SessionRow, Table, TimelineEntry,
};
use crate::domain::verdict::{Answer, Effect, Verdict};
use crate::domain::view::{Entry, view_of};

/// Which accounts a record gives a push to.
struct Share {
    accounts: Vec<Account>,
    /// How far the sessions have been looked through.
    asked: Asked,
}

impl Step<'_, '_> {
    /// A push to all. The home of `@duolog` decides and carries it to the others; each keeps it once, gives it to the
    /// accounts that are connected, a step's worth a record, and to the others when they log in. A record of a task
    /// that is known goes on with it.
    pub fn broadcast_issued(&mut self, event: &BroadcastIssued) -> Result<Verdict, RowsError> {
        if let Some((number, row)) = self.broadcast_named(&event.task_id)? {
            return self.give_out(number, row, event);
        }
        let message_time = event.message_time.filter(|_| self.carried()).unwrap_or(self.meta().time);
        if !self.carried() {
            match judge::broadcast(&self.mailbox(), event, self.meta().time)? {
                Judged::Accept => {}
                Judged::Repeat(answer) => return Ok(Verdict::Repeat(answer)),
                Judged::Refuse(refusal) => return Ok(Verdict::Refused(refusal)),
            }
            self.carry_to_all(event, message_time)?;
        }
        self.sweep_broadcasts()?;
        let row = self.keep_broadcast(event, message_time);
        let number = self.meta().broadcasts;
        self.give_out(number, row, event)
    }

    fn carry_to_all(&mut self, event: &BroadcastIssued, message_time: Millis) -> Result<(), RowsError> {
        let account = self.envelope.account.clone();
        let carried = Event::from(BroadcastIssued { message_time: Some(message_time), ..event.clone() });
        let (here, partitions) = (self.at.partition, self.meta().partitions);
        for partition in (0..partitions).filter(|partition| *partition != here) {
            self.carry_to(partition, &account, &carried)?;
        }
        Ok(())
    }

    /// The body in the record's own row, and the row that accounts find it by. The body of one that is not stored is
    /// kept as well: who is connected may be asked by a later record.
    fn keep_broadcast(&mut self, event: &BroadcastIssued, message_time: Millis) -> BroadcastRow {
        self.meta_mut().broadcasts += 1;
        let message = MessageRow::new(&event.from, &event.content, message_time, self.time());
        self.put(MessageRow::key(self.at), &message);
        let time = self.time().max(self.meta().time);
        let life = event.content.life.filter(|life| *life > 0 && !event.content.flags.online_only);
        BroadcastRow {
            time,
            task_id: event.task_id.clone(),
            from: event.from.clone(),
            random: event.content.random,
            pointer: self.at,
            until: life.map(|life| time + u64::from(life) * 1000),
            asked: Asked::Nobody,
        }
    }

    /// Gives it to the next accounts that are connected, and asks for another record if there may be more.
    fn give_out(&mut self, number: u64, row: BroadcastRow, event: &BroadcastIssued) -> Result<Verdict, RowsError> {
        let answer = Answer::Issued { task_id: row.task_id.clone() };
        if row.asked == Asked::Everybody {
            return Ok(Verdict::Repeat(answer));
        }
        let Share { accounts, asked } = self.next_share(&row.asked)?;
        let more = asked != Asked::Everybody;
        self.put(BroadcastRow::key(number), &BroadcastRow { asked, ..row });
        for account in accounts {
            let Some(mut owner) = self.mailbox().account(&account)? else { continue };
            if owner.is_online(self.meta().epoch) {
                self.take_broadcasts(&account, &mut owner)?;
                self.put_account(&account, owner);
            }
        }
        if more {
            self.effect(Effect::GoOn { account: self.envelope.account.clone(), event: Box::new(event.clone().into()) });
        }
        Ok(Verdict::Applied(answer))
    }

    /// The accounts of the next sessions in the order of their names, whether these are open or not; whole accounts only.
    fn next_share(&self, asked: &Asked) -> Result<Share, RowsError> {
        let sessions = Key::of(Table::Session);
        let from = match asked {
            Asked::UpTo(account) => SessionRow::prefix(account).end_of_prefix(),
            Asked::Nobody | Asked::Everybody => sessions.as_slice().to_vec(),
        };
        let end = sessions.end_of_prefix();
        let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&end) };
        let mut accounts: Vec<Account> = Vec::new();
        let (mut seen, mut more) = (0, false);
        self.mailbox().walk_range(range, Direction::Forward, |key, _| {
            let account = KeyReader::new(key, Table::Session)?.account()?;
            if accounts.last() != Some(&account) {
                if seen >= STEP_LIMIT {
                    more = true;
                    return Ok(ControlFlow::Break(()));
                }
                accounts.push(account);
            }
            seen += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        let asked = accounts.last().filter(|_| more).map_or(Asked::Everybody, |last| Asked::UpTo(last.clone()));
        Ok(Share { accounts, asked })
    }

    /// An account takes the pushes to all that it has not seen yet, in their order: it is connected, or logs in. One that
    /// is not stored reaches only who is connected already. The caller stores the account's row.
    pub fn take_broadcasts(&mut self, account: &Account, owner: &mut AccountRow) -> Result<(), RowsError> {
        let newest = self.meta().broadcasts;
        if owner.broadcasts >= newest {
            return Ok(());
        }
        let waiting = self.broadcasts_after(owner.broadcasts)?;
        owner.broadcasts = newest;
        for row in waiting {
            match row.until {
                Some(until) if until >= self.meta().time => self.enter_broadcast(account, owner, &row, until)?,
                None if self.heard_by(owner) => self.announce_broadcast(account, &row, None)?,
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// A place in the timeline and nothing else: no history, no recent contact, no unread.
    fn enter_broadcast(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        row: &BroadcastRow,
        until: Millis,
    ) -> Result<(), RowsError> {
        let sequence = owner.next_sequence();
        let (peer, pointer) = (row.from.clone(), row.pointer);
        let entry = TimelineEntry::Message { peer, flags: RowFlags::INCOMING, pointer, until: Some(until) };
        let place = self.add_entry(account, owner, sequence, entry)?;
        if self.heard_by(owner) { self.announce_broadcast(account, row, Some(place)) } else { Ok(()) }
    }

    fn announce_broadcast(
        &mut self,
        account: &Account,
        row: &BroadcastRow,
        place: Option<crate::domain::verdict::Place>,
    ) -> Result<(), RowsError> {
        if let Some(message) = self.mailbox().message(row.pointer)? {
            let view = view_of(account, &row.from, RowFlags::INCOMING, message, false);
            self.announce(account, place, Entry::Message(view), None);
        }
        Ok(())
    }

    fn broadcasts_after(&self, number: u64) -> Result<Vec<BroadcastRow>, RowsError> {
        let from = BroadcastRow::key(number + 1).into_bytes();
        let end = Key::of(Table::Broadcast).end_of_prefix();
        let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&end) };
        let mut found = Vec::new();
        self.mailbox().walk_range(range, Direction::Forward, |_, value| {
            found.push(BroadcastRow::decode(value)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// The newest come first: whoever asks goes on with one of them.
    fn broadcast_named(&self, task_id: &str) -> Result<Option<(u64, BroadcastRow)>, RowsError> {
        let mut found = None;
        self.mailbox().walk(&Key::of(Table::Broadcast), Direction::Backward, |key, value| {
            let row = BroadcastRow::decode(value)?;
            if row.task_id != task_id {
                return Ok(ControlFlow::Continue(()));
            }
            found = Some((BroadcastRow::number(key)?, row));
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Deletes what repeats no longer refer to and nobody gets any more.
    fn sweep_broadcasts(&mut self) -> Result<(), RowsError> {
        let horizon = self.meta().time.saturating_sub(BROADCAST_WINDOW);
        let mut gone = Vec::new();
        self.mailbox().walk(&Key::of(Table::Broadcast), Direction::Forward, |key, value| {
            if gone.len() == STEP_LIMIT || BroadcastRow::decode(value)?.time >= horizon {
                return Ok(ControlFlow::Break(()));
            }
            gone.push(Key::from(key));
            Ok(ControlFlow::Continue(()))
        })?;
        gone.into_iter().for_each(|key| self.delete(key));
        Ok(())
    }
}
