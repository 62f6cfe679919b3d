use std::ops::ControlFlow;

use duolog_topics::{Account, ConversationRead, Event, Millis};

use super::STEP_LIMIT;
use super::step::Step;
use crate::domain::rows::{Change, ConversationRow, Direction, HistoryPlace, Outcome, RowFlags, RowsError};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;

impl Step<'_, '_> {
    /// Moves the read mark; carried to the peer, whose devices then show the messages as read.
    pub fn conversation_read(&mut self, event: &ConversationRead) -> Result<Verdict, RowsError> {
        if self.carried() {
            self.read_by_peer(&event.peer, &event.reader, event.until.unwrap_or(0))?;
            return Ok(Verdict::Applied(Answer::Done));
        }
        let reader = &event.reader;
        let Some(mut owner) = self.mailbox().account(reader)? else {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        };
        let mut row = self.conversation(reader, &mut owner, &event.peer)?;
        let asked = event.until.unwrap_or(row.newest_received).min(row.newest_received);
        if asked <= row.read_time {
            return Ok(Verdict::Applied(Answer::Read { unread_total: owner.unread_total }));
        }
        let (until, read) = self.newly_read(reader, &event.peer, &row, asked)?;
        let read = read.min(row.unread);
        row.unread -= read;
        owner.unread_total = owner.unread_total.saturating_sub(read);
        row.read_time = until;
        let unread_total = owner.unread_total;
        let change = Change::Read { peer: event.peer.clone(), until, unread: row.unread, unread_total };
        row.changed = self.add_change(reader, &mut owner, change)?;
        self.put_conversation(reader, &event.peer, row);
        self.put_account(reader, owner);
        self.tell_sender(event, until)?;
        if until == asked {
            self.keep(Outcome::Read { until, unread_total });
        }
        Ok(Verdict::Applied(if until < asked { Answer::Partial } else { Answer::Read { unread_total } }))
    }

    fn tell_sender(&mut self, event: &ConversationRead, until: Millis) -> Result<(), RowsError> {
        if event.peer == event.reader {
            return Ok(());
        }
        if self.is_home_of(&event.peer) {
            return self.read_by_peer(&event.peer, &event.reader, until);
        }
        self.carry(&event.peer, &Event::ConversationRead(ConversationRead { until: Some(until), ..event.clone() }))
    }

    /// How far one record moves the mark, and how many unread messages that passes. To the end it costs nothing; else at most
    /// a step's limit of messages is looked at.
    fn newly_read(
        &self,
        reader: &Account,
        peer: &Account,
        row: &ConversationRow,
        asked: Millis,
    ) -> Result<(Millis, u64), RowsError> {
        if asked == row.newest_received {
            return Ok((asked, row.unread));
        }
        if asked <= row.uncounted {
            return Ok((asked, 0));
        }
        let place = |time: Millis| HistoryPlace { time, sequence: 0 };
        let counted_from = row.read_time.max(row.uncounted).saturating_add(1);
        let passed = place(counted_from)..place(asked.saturating_add(1));
        let (mut seen, mut read, mut reached) = (0, 0, asked);
        let mailbox = self.mailbox();
        // An expired one may be gone from the disk already: it counts until everything is read.
        mailbox.messages(reader, peer, &row.newest).walk_within(passed, Direction::Forward, |place, row| {
            let time = place.time;
            if seen >= STEP_LIMIT && time > reached {
                return Ok(ControlFlow::Break(()));
            }
            seen += 1;
            if seen >= STEP_LIMIT {
                reached = time;
            }
            if row.flags.has(RowFlags::COUNTS) {
                read += 1;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((if seen < STEP_LIMIT { asked } else { reached }, read))
    }

    /// The other side of a read mark: the sender learns how far he was read.
    fn read_by_peer(&mut self, account: &Account, reader: &Account, until: Millis) -> Result<(), RowsError> {
        let Some(mut owner) = self.mailbox().account(account)? else {
            return Ok(());
        };
        let mut row = self.conversation(account, &mut owner, reader)?;
        if *row == ConversationRow::default() || until <= row.peer_read_time {
            return Ok(());
        }
        row.peer_read_time = until;
        row.changed = self.add_change(account, &mut owner, Change::Receipt { peer: reader.clone(), until })?;
        self.put_conversation(account, reader, row);
        self.put_account(account, owner);
        Ok(())
    }
}
