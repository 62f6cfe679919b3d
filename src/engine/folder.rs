use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use duolog_topics::{Authority, Envelope, Event};
use thiserror::Error;

use super::cached::CachedRows;
use super::partition::{Answering, Committed, Partition};
use crate::domain::fold::{Fold, FoldError};
use crate::domain::rows::{MetaRow, OutboxRow};
use crate::domain::verdict::{Effect, Folded, Verdict};
use crate::limits;
use crate::log::{LogError, ReadLimit, Stored};
use crate::store::{Applied, Store, StoreError};

/// Why a partition's fold stops.
#[derive(Debug, Error)]
pub enum FolderError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("record at offset {offset}: {source}")]
    Fold { offset: u64, source: FoldError },
    #[error("record at offset {offset} cannot be read: {source}")]
    Decode { offset: u64, source: duolog_topics::DecodeError },
    #[error(transparent)]
    Rows(#[from] crate::domain::rows::RowsError),
}

/// How long a wait for records lasts before it looks whether the partition stops.
const WAIT: Duration = Duration::from_millis(500);
const LIMIT: ReadLimit = ReadLimit { records: limits::FOLD_RECORDS, bytes: limits::FOLD_BYTES };

/// Reads what is durable, folds, commits, answers, announces. Runs on a thread of its own.
pub(super) struct Folder {
    partition: Arc<Partition>,
    rows: CachedRows<Store>,
    next: u64,
    since_flush: u64,
}

/// A folded record and who waits for it.
type Outcome = (Folded, Option<Answering>);

impl Folder {
    pub fn new(partition: Arc<Partition>) -> Self {
        let rows = CachedRows::new(partition.store.clone(), limits::ROW_CACHE);
        let next = partition.store.applied().map_or(0, |applied| applied.next);
        Self { partition, rows, next, since_flush: 0 }
    }

    /// Folds until the partition is told to stop, or cannot go on.
    pub fn run(mut self) {
        while !self.partition.is_stopping() {
            match self.fold_available() {
                Ok(0) => {
                    if let Err(error) = self.partition.log.wait(self.partition.id, self.next, WAIT) {
                        return self.partition.fail(&error);
                    }
                }
                Ok(_) => self.partition.fence(),
                // The read has waited already. Nothing is lost: what is appended meanwhile is folded when it can be read.
                Err(FolderError::Log(LogError::Unreachable(why))) => {
                    tracing::warn!(partition = self.partition.id, "no records can be read, trying again: {why}");
                }
                Err(error) => return self.partition.fail(&error),
            }
        }
    }

    /// Folds one batch of what is durable; how many records it was.
    ///
    /// # Errors
    /// The partition has to stop: nothing of the batch was committed.
    pub fn fold_available(&mut self) -> Result<usize, FolderError> {
        let records = self.partition.log.read(self.partition.id, self.next, LIMIT)?;
        let Some(last) = records.last() else { return Ok(0) };
        let applied = Applied { next: last.offset + 1, checksum: last.record.checksum() };
        let (outcomes, meta) = self.fold(&records, applied)?;
        self.next = applied.next;
        self.since_flush += records.len() as u64;
        self.publish(outcomes, meta, applied);
        if self.since_flush >= limits::FLUSH_RECORDS {
            self.since_flush = 0;
            self.partition.store.flush_in_background()?;
        }
        Ok(records.len())
    }

    /// Folds a batch and commits its rows and its place together.
    fn fold(&self, records: &[Stored], applied: Applied) -> Result<(Vec<Outcome>, MetaRow), FolderError> {
        let mut fold = Fold::new(&self.rows, self.partition.id, true)?;
        let mut outcomes = Vec::with_capacity(records.len());
        for stored in records {
            if super::is_foreign(&stored.record) {
                metrics::counter!("duolog_foreign_records_total").increment(1);
                continue;
            }
            let (envelope, event, answer) = self.take(stored)?;
            let folded = fold
                .apply(stored.offset, &envelope, &event)
                .map_err(|source| FolderError::Fold { offset: stored.offset, source })?;
            if let Authority::Stamp(stamp) = envelope.authority {
                self.note_arrival(stamp.partition, stamp.number, &folded.verdict);
            }
            outcomes.push((folded, answer));
        }
        let (mut changes, meta) = fold.finish();
        for (destination, first, last) in std::mem::take(&mut *self.partition.delivered.lock()) {
            changes.extend((first..=last).map(|number| (OutboxRow::key(destination, number).into_bytes(), None)));
        }
        self.partition.store.commit(&changes, applied)?;
        self.rows.committed(&changes);
        Ok((outcomes, meta))
    }

    /// The record as an event: the one that was appended here if it still waits, else decoded from its bytes.
    fn take(&self, stored: &Stored) -> Result<(Envelope, Event, Option<Answering>), FolderError> {
        let record = &stored.record;
        let pending = super::id_of(record).and_then(|id| self.partition.pending.lock().remove(&id));
        let undecodable = |source| FolderError::Decode { offset: stored.offset, source };
        match pending {
            Some(pending) => {
                let envelope =
                    Envelope::decode_header(&record.key, record.time, &record.header).map_err(undecodable)?;
                Ok((envelope, pending.event, pending.answer))
            }
            None => {
                let (envelope, event) =
                    Envelope::decode(&record.key, record.time, &record.header, &record.payload).map_err(undecodable)?;
                Ok((envelope, event, None))
            }
        }
    }

    fn note_arrival(&self, source: u32, number: u64, verdict: &Verdict) {
        if !matches!(verdict, Verdict::Ignored) {
            self.partition.arrived.lock().insert(source, number);
        }
    }

    /// After the commit: the watermark moves, live devices hear, then whoever asked gets his answer.
    fn publish(&self, outcomes: Vec<Outcome>, meta: MetaRow, applied: Applied) {
        let partition = &self.partition;
        if let Some(expiry) = &partition.expiry {
            expiry.follow(&meta);
        }
        *partition.meta.write() = Arc::new(meta);
        partition.watermark.store(applied.next, Ordering::Release);
        metrics::counter!("duolog_records_folded_total").increment(outcomes.len() as u64);
        for (folded, answer) in outcomes {
            let mut carried = Vec::new();
            for effect in folded.effects {
                match effect {
                    Effect::Announce(announcement) => partition.registry.announce(announcement),
                    Effect::End(ended) => partition.registry.end(&ended),
                    Effect::Outbox { destination, number } => carried.push((destination, number)),
                    Effect::GoOn { account, event } => partition.go_on(account, event),
                }
            }
            if !carried.is_empty() {
                let _ = partition.outbox.0.try_send(());
            }
            if let Some(answer) = answer {
                let _ = answer.send(Ok(Committed { verdict: folded.verdict, carried }));
            }
        }
        partition.committed.notify_waiters();
    }
}
