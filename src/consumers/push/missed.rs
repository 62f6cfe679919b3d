use std::ops::{Bound, ControlFlow};

use duolog_topics::{Account, Event};
use serde::{Deserialize, Serialize};

use super::unseen::Unseen;
use crate::consumers::{Joined, Kept};
use crate::domain::rows::{
    Direction, KeyRange, MessageRow, Missed, Outcome, Row as _, RowFlags, RowsError, TimelineEntry, TimelineRow,
};
use crate::domain::view::Mailbox;

/// Announced of one end: a user who finds so many notices needs no more of them.
const MOST: usize = 20;

/// An app counted as open, and is gone; what it was told may not have been seen by anybody
/// ([ADR 53](../../../docs/adr/0053-what-a-dead-link-was-told-is-announced-at-its-end.md)).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ended {
    pub receiver: Account,
    #[serde(flatten)]
    pub missed: Missed,
}

/// Whose last app a record ended, or sent to the background. Each has the number of his delivery.
pub fn ended(record: &Joined<'_>) -> Vec<(usize, Ended)> {
    match (record.event, record.kept) {
        (Event::SessionClosed(event), Kept::Outcome(Outcome::Closed { sessions })) => {
            let ended = sessions.iter().enumerate().filter_map(|(number, session)| {
                let receiver = event.sessions.get(session.place as usize)?.account.clone();
                Some((number, Ended { receiver, missed: session.missed? }))
            });
            ended.collect()
        }
        (Event::AppStateSet(_), Kept::Outcome(Outcome::Left { missed })) => {
            vec![(0, Ended { receiver: record.envelope.account.clone(), missed: *missed })]
        }
        _ => Vec::new(),
    }
}

impl Ended {
    /// The messages that were told to the app and not announced otherwise, oldest first, each with its sequence. Cost: a
    /// row and a message for each entry of the timeline there, at least the newest [`MOST`].
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn messages(&self, mailbox: &Mailbox<'_>) -> Result<Vec<(u64, Unseen)>, RowsError> {
        let key = |sequence| TimelineRow::key(&self.receiver, sequence).into_bytes();
        let (from, until) = (key(self.missed.after), key(self.missed.until));
        let range = KeyRange { from: Bound::Excluded(&from), until: Bound::Included(&until) };
        let mut found = Vec::new();
        mailbox.walk_range(range, Direction::Backward, |key, value| {
            let row = TimelineRow::decode(value)?;
            if row.record_time < self.missed.since || found.len() == MOST {
                return Ok(ControlFlow::Break(()));
            }
            if let TimelineEntry::Message { flags, pointer, .. } = row.entry
                && flags.has(RowFlags::INCOMING)
                && let Some(message) = mailbox.message(pointer)?
                && self.was_told(&message)
            {
                found.extend(Unseen::of(&message, &self.receiver).map(|one| (TimelineRow::sequence(key), one)));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        found.into_iter().rev().map(|(sequence, unseen)| Ok((sequence?, unseen))).collect()
    }

    /// Of what came while no app counted as open a delivery of its own tells.
    fn was_told(&self, message: &MessageRow) -> bool {
        message.deliveries.iter().any(|one| one.receiver == self.receiver && one.code == 0 && one.online)
    }
}

#[cfg(test)]
mod tests {
    use super::super::notice::tests::{content, text};
    use super::*;
    use crate::domain::rows::{Delivery, MapRows, MetaRow, Overlay, Pointer};

    const FIRST: u64 = 100;

    fn name(name: &str) -> Account {
        Account::new(name).unwrap()
    }

    /// Bob's timeline: each message came a second after the one before, while an app of his counted as open or not.
    fn announced(online: &[bool], missed: Missed) -> Vec<u64> {
        let (empty, bob) = (MapRows::default(), name("bob"));
        let mut rows = Overlay::new(&empty);
        for (online, offset) in online.iter().zip(1..) {
            let (pointer, time) = (Pointer { offset, ..Pointer::default() }, FIRST + offset * 1_000);
            let mut message = MessageRow::new(&name("alice"), &content(&text("hi"), None), time, time);
            message.deliveries = vec![Delivery { receiver: bob.clone(), code: 0, unread_total: 0, online: *online }];
            rows.put(MessageRow::key(pointer), &message);
            let flags = RowFlags::INCOMING.with(RowFlags::COUNTS);
            let entry = TimelineEntry::Message { peer: name("alice"), flags, pointer, until: None };
            rows.put(
                TimelineRow::key(&bob, offset),
                &TimelineRow { record_time: time, ordinal: offset, previous: offset - 1, entry },
            );
        }
        let (meta, ended) = (MetaRow::empty(0), Ended { receiver: bob, missed });
        let found = ended.messages(&Mailbox::new(&rows, &meta)).unwrap();
        found.into_iter().map(|(sequence, _)| sequence).collect()
    }

    #[test]
    fn what_was_told_and_not_taken_is_announced_in_its_order() {
        let all = Missed { after: 0, until: u64::MAX, since: 0 };
        assert_eq!(announced(&[true, false, true, true], all), [1, 3, 4]);
        assert_eq!(announced(&[true, true, true, true], Missed { after: 1, until: 3, ..all }), [2, 3]);
        assert_eq!(announced(&[true, true, true], Missed { since: FIRST + 2_000, ..all }), [2, 3]);
        assert_eq!(announced(&[true; 50], all), (31..=50).collect::<Vec<u64>>(), "the newest of many");
    }
}
