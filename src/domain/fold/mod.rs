//! The fold: record + rows -> row changes, verdict, effects. Pure: it reads no clock, no chance, no configuration.
//!
//! [`Fold`] takes the records of one partition in the order of their offsets. It judges every record again with the
//! functions that the early decision used, on the rows as they are at that offset, so its verdict is the answer; and the
//! same records give the same rows in every rebuild. One file a family of kinds holds what a record does; `step` holds
//! what they share.

mod account;
mod ahead;
mod blacklist;
mod broadcast;
mod conversation;
mod deliver;
mod device;
mod farewell;
mod friend;
mod friend_request;
mod history;
mod modify;
mod partition;
mod profile;
mod read;
mod recall;
mod recents;
mod register;
mod send;
mod session;
mod step;

use duolog_topics::{Authority, Envelope, Event, Header, Stamp};
use thiserror::Error;

use crate::domain::rows::{Changes, MetaRow, Overlay, Pointer, PositionRow, Rows, RowsError, get};
use crate::domain::verdict::{Folded, Verdict};
use crate::domain::view::Mailbox;
use step::Step;

/// The version of the fold that this program knows.
pub const FOLD_VERSION: u32 = 1;

/// The most accounts, relations or messages that one record touches; what is longer goes on in further records.
pub const STEP_LIMIT: usize = 1_000;

/// Why the fold cannot go on. The partition stops; it never skips.
#[derive(Debug, Clone, Error)]
pub enum FoldError {
    #[error(transparent)]
    Rows(#[from] RowsError),
    #[error("the log asks for version {asked} of the fold, this program knows up to {FOLD_VERSION}")]
    NewerFold { asked: u32 },
    #[error("version {FOLD_VERSION} of the fold does not know the kind {0}")]
    UnknownKind(&'static str),
}

/// Folds the records of one partition over its committed rows.
pub struct Fold<'a> {
    rows: Overlay<'a>,
    meta: MetaRow,
    committed_meta: MetaRow,
    /// Whether somebody listens: a rebuild makes no effects.
    live: bool,
}

impl<'a> Fold<'a> {
    /// Begins a batch on committed rows.
    ///
    /// # Errors
    /// If the partition's own row cannot be read.
    pub fn new(rows: &'a dyn Rows, partition: u32, live: bool) -> Result<Self, RowsError> {
        let meta: MetaRow = get(rows, MetaRow::key().as_slice())?.unwrap_or_else(|| MetaRow::empty(partition));
        Ok(Self { rows: Overlay::new(rows), committed_meta: meta.clone(), meta, live })
    }

    /// The same, with the memory of changes that are no longer needed: `spare` has none.
    #[must_use]
    pub fn reusing(mut self, spare: Changes) -> Self {
        debug_assert!(spare.is_empty() && self.changed() == 0, "before the first record");
        self.rows = self.rows.reusing(spare);
        self
    }

    /// Reads what records will ask for, all together: most of what a record costs are its reads, and most of what a read costs
    /// is to wait for memory, which many reads at once do together. Makes no difference to what the records do.
    ///
    /// # Errors
    /// If rows cannot be read: nothing of this batch may be folded.
    pub fn read_ahead<'e>(
        &mut self,
        records: impl Iterator<Item = (&'e Envelope, &'e Event)>,
    ) -> Result<(), RowsError> {
        let mut keys = Vec::new();
        for (envelope, event) in records {
            ahead::asked_for(&self.meta, envelope, event, &mut keys);
        }
        self.rows.read_ahead(keys.into_iter())
    }

    /// Folds the next record.
    ///
    /// # Errors
    /// [`FoldError`]: nothing of this batch may be committed.
    pub fn apply(&mut self, offset: u64, envelope: &Envelope, event: &Event) -> Result<Folded, FoldError> {
        let at = Pointer { generation: self.meta.generation, partition: self.meta.partition, offset };
        if let Some(verdict) = self.without_authority(envelope, event)? {
            self.meta.ignored += 1;
            return Ok(Folded { at, verdict, effects: Vec::new() });
        }
        let mut step = Step::new(self, at, envelope);
        let verdict = step.dispatch(event)?;
        let effects = step.into_effects();
        Ok(Folded { at, verdict, effects })
    }

    /// Passes over a record that no version of the fold can decode: it is counted, and nothing else changes. One that was
    /// carried here and whose turn it was has had its turn, which is told: else its source would carry it again for ever.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn pass_over(&mut self, header: &[u8]) -> Result<Option<Stamp>, RowsError> {
        self.meta.ignored += 1;
        match Header::decode(header) {
            Ok(Header { authority: Authority::Stamp(stamp), .. }) if self.takes_turn(&stamp)? => Ok(Some(stamp)),
            _ => Ok(None),
        }
    }

    /// The batch's row changes and the partition's own row after it.
    pub fn finish(mut self) -> (Changes, MetaRow) {
        if self.meta != self.committed_meta {
            self.rows.put(MetaRow::key(), &self.meta);
        }
        (self.rows.into_changes(), self.meta)
    }

    pub fn meta(&self) -> &MetaRow {
        &self.meta
    }

    /// How many keys the batch has changed so far.
    pub fn changed(&self) -> usize {
        self.rows.changed()
    }

    pub fn mailbox(&self) -> Mailbox<'_> {
        Mailbox::new(&self.rows, &self.meta)
    }

    /// The verdict on a record that may not act: of another epoch, or carried here out of its turn. Otherwise the
    /// record counts from here on: partition time moves, or the source's number.
    fn without_authority(&mut self, envelope: &Envelope, event: &Event) -> Result<Option<Verdict>, RowsError> {
        match &envelope.authority {
            Authority::Epoch(epoch) => {
                let may_act = match event {
                    Event::LogOpened(_) => *epoch == 0,
                    Event::OwnerChanged(change) => change.epoch == *epoch && *epoch > self.meta.epoch,
                    _ => *epoch == self.meta.epoch,
                };
                if !may_act {
                    return Ok(Some(Verdict::Superseded));
                }
                self.meta.advance(envelope.time);
            }
            Authority::Stamp(stamp) => {
                if !self.takes_turn(stamp)? {
                    return Ok(Some(Verdict::Ignored));
                }
            }
        }
        Ok(None)
    }

    /// Whether it is a carried record's turn; if so it has had it.
    fn takes_turn(&mut self, stamp: &Stamp) -> Result<bool, RowsError> {
        let key = PositionRow::applied_from(&stamp.log_id, stamp.generation, stamp.partition);
        let last = get::<PositionRow>(&self.rows, key.as_slice())?.unwrap_or_default().number;
        let is_next = stamp.number == last + 1;
        if is_next {
            self.rows.put(key, &PositionRow { number: stamp.number });
        }
        Ok(is_next)
    }
}
