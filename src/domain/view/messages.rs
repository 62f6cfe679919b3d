//! One user's view of a conversation as one list, wherever its messages lie.
//!
//! ```text
//! older ◄──────────────────────────────────────────────────────► newer
//! row of history, up to its key │ row of history, up to its key │ newest, in the conversation
//! ```
//!
//! Of the rows that have not expired each holds what lies behind the key of the one before. One that has expired is passed
//! over: whether a compaction has taken it already makes no difference.

use std::ops::{Bound, ControlFlow, Range};

use duolog_topics::{Account, Millis};

use super::Mailbox;
use crate::domain::rows::{
    Direction, HistoryEntries, HistoryEntry, HistoryPlace, HistoryRow, Key, KeyRange, Row, RowsError,
};

/// Behind every message.
const END: HistoryPlace = HistoryPlace { time: Millis::MAX, sequence: u64::MAX };

/// The messages of a conversation in one user's view.
#[derive(Clone, Copy)]
pub(crate) struct Messages<'m> {
    mailbox: &'m Mailbox<'m>,
    account: &'m Account,
    peer: &'m Account,
    newest: &'m HistoryEntries,
    /// What was recorded before it has expired.
    horizon: Millis,
}

impl Mailbox<'_> {
    /// The messages of a conversation. `newest`: those that are in its row.
    pub(crate) fn messages<'m>(
        &'m self,
        account: &'m Account,
        peer: &'m Account,
        newest: &'m HistoryEntries,
    ) -> Messages<'m> {
        Messages { mailbox: self, account, peer, newest, horizon: self.meta.horizons.roaming }
    }
}

impl Messages<'_> {
    /// Expired ones too, as far as they are still there.
    pub fn with_expired(self) -> Self {
        Self { horizon: 0, ..self }
    }

    /// Visits the messages, the newest first or last.
    ///
    /// # Errors
    /// If rows cannot be read, or what `visit` fails with; so in all functions here.
    pub fn walk(
        &self,
        direction: Direction,
        visit: impl FnMut(HistoryPlace, HistoryEntry) -> Result<ControlFlow<()>, RowsError>,
    ) -> Result<(), RowsError> {
        self.walk_within(HistoryPlace::default()..END, direction, visit)
    }

    /// Visits the messages in a range of places. Cost: one seek, or two backward from the middle, and none where all of it is
    /// among the newest.
    pub fn walk_within(
        &self,
        within: Range<HistoryPlace>,
        direction: Direction,
        mut visit: impl FnMut(HistoryPlace, HistoryEntry) -> Result<ControlFlow<()>, RowsError>,
    ) -> Result<(), RowsError> {
        if within.is_empty() {
            return Ok(());
        }
        let newest_from = self.newest.first()?.unwrap_or(END);
        let (in_rows, ends_in_rows) = (within.start < newest_from, within.end < newest_from);
        let mut visit_some = |entries: &HistoryEntries| -> Result<ControlFlow<()>, RowsError> {
            let mut entries = entries.to_vec()?;
            if direction == Direction::Backward {
                entries.reverse();
            }
            for (place, entry) in entries {
                if within.contains(&place) && entry.record_time >= self.horizon && visit(place, entry)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        if direction == Direction::Backward {
            if visit_some(self.newest)?.is_break() || !in_rows {
                return Ok(());
            }
            if ends_in_rows
                && let Some((_, row)) = self.row_with(within.end)?
                && visit_some(&row.entries)?.is_break()
            {
                return Ok(());
            }
            return self.rows(within.start, Some(within.end), direction, |_, row| visit_some(&row.entries));
        }
        let mut ended = false;
        if in_rows {
            self.rows(within.start, None, direction, |place, row| {
                let flow = visit_some(&row.entries)?;
                ended = flow.is_break() || place >= within.end;
                Ok(if ended { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
        }
        if ended { Ok(()) } else { visit_some(self.newest).map(drop) }
    }

    /// The message at a place.
    pub fn at(&self, place: HistoryPlace) -> Result<Option<HistoryEntry>, RowsError> {
        let row;
        let entries = if self.is_among_newest(place)? {
            self.newest
        } else {
            row = self.row_with(place)?;
            let Some((_, row)) = &row else { return Ok(None) };
            &row.entries
        };
        let found = entries.iter().find(|entry| !matches!(entry, Ok((other, _)) if *other != place)).transpose()?;
        Ok(found.map(|(_, entry)| entry).filter(|entry| entry.record_time >= self.horizon))
    }

    /// Whether a message at this place is in the conversation's row, if it is anywhere.
    pub fn is_among_newest(&self, place: HistoryPlace) -> Result<bool, RowsError> {
        Ok(self.newest.first()?.is_some_and(|first| first <= place))
    }

    /// The row that would hold a message at this place, and its key; none if it lies behind all of them.
    pub fn row_with(&self, place: HistoryPlace) -> Result<Option<(Key, HistoryRow)>, RowsError> {
        let mut found = None;
        self.rows(place, None, Direction::Forward, |place, row| {
            found = Some((HistoryRow::key(self.account, self.peer, place), row));
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Visits the rows whose keys have places from one on, up to another, unless they have expired.
    fn rows(
        &self,
        from: HistoryPlace,
        until: Option<HistoryPlace>,
        direction: Direction,
        mut visit: impl FnMut(HistoryPlace, HistoryRow) -> Result<ControlFlow<()>, RowsError>,
    ) -> Result<(), RowsError> {
        let key = |place| HistoryRow::key(self.account, self.peer, place).into_bytes();
        let end = || HistoryRow::prefix(self.account, self.peer).end_of_prefix();
        let (from, until) = (key(from), until.map_or_else(end, key));
        let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&until) };
        self.mailbox.walk_range(range, direction, |key, value| {
            let (place, row) = HistoryRow::read(key, value)?;
            if row.record_time() < Some(self.horizon) {
                return Ok(ControlFlow::Continue(()));
            }
            visit(place, row)
        })
    }
}
