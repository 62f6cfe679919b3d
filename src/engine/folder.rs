use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use duolog_topics::{Authority, DecodeError, Envelope, Event};
use thiserror::Error;

use super::CachedRows;
use super::partition::{Answering, Committed, Partition, Pending};
use super::pipeline::{Pipeline, Writing};
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
    Decode { offset: u64, source: DecodeError },
    #[error(transparent)]
    Rows(#[from] crate::domain::rows::RowsError),
}

/// How long a wait for records lasts before it looks whether the partition stops.
const WAIT: Duration = Duration::from_millis(500);
const LIMIT: ReadLimit = ReadLimit { records: limits::FOLD_RECORDS, bytes: limits::FOLD_BYTES };

/// Reads what is durable and folds it, on a thread of its own; the pipeline's thread commits, answers and announces.
pub(super) struct Folder {
    partition: Arc<Partition>,
    pipeline: Pipeline<Told>,
    next: u64,
}

/// What is told after a batch's commit: the partition's own row, and each folded record with who waits for it.
struct Told {
    meta: MetaRow,
    outcomes: Vec<(Folded, Option<Answering>)>,
}

impl Folder {
    pub fn new(partition: Arc<Partition>) -> Self {
        let next = partition.store.applied().map_or(0, |applied| applied.next);
        let mut since_flush = 0;
        let teller = partition.clone();
        let committed = move |applied: Applied, told: Told| {
            since_flush += told.outcomes.len() as u64;
            publish(&teller, told, applied);
            if since_flush >= limits::FLUSH_RECORDS {
                since_flush = 0;
                if let Err(error) = teller.store.flush_in_background() {
                    teller.fail(&error);
                }
            }
        };
        let pipeline = Pipeline::new(partition.store.clone(), Writing::Batches, committed);
        Self { partition, pipeline, next }
    }

    /// The hot rows for another thread.
    pub fn reader(&self) -> CachedRows<Store> {
        self.pipeline.reader()
    }

    /// Folds until the partition is told to stop, or cannot go on.
    pub fn run(mut self) {
        while !self.partition.is_stopping() && !self.partition.has_failed() {
            match self.fold_available() {
                Ok(0) => {
                    if let Err(error) = self.partition.log.wait(self.partition.id, self.next, WAIT) {
                        return self.partition.fail(&error);
                    }
                }
                Ok(_) => {}
                // The read has waited already. Nothing is lost: what is appended meanwhile is folded when it can be read.
                Err(FolderError::Log(LogError::Unreachable(why))) => {
                    tracing::warn!(partition = self.partition.id, "no records can be read, trying again: {why}");
                }
                Err(error) => return self.partition.fail(&error),
            }
        }
        if let Err(error) = self.settle() {
            self.partition.fail(&error);
        }
    }

    /// Folds one batch of what is durable and hands it over to be committed; how many records it was.
    ///
    /// # Errors
    /// The partition has to stop: nothing of the batch was committed.
    pub fn fold_available(&mut self) -> Result<usize, FolderError> {
        let records = self.partition.log.read(self.partition.id, self.next, LIMIT)?;
        let Some(last) = records.last() else { return Ok(0) };
        let applied = Applied { next: last.offset + 1, checksum: last.record.checksum() };
        let (foreign, records): (Vec<_>, Vec<_>) = records.iter().partition(|stored| super::is_foreign(&stored.record));
        metrics::counter!("duolog_foreign_records_total").increment(foreign.len() as u64);
        let events = self.events(&records)?;
        let mut fold = Fold::new(&self.pipeline, self.partition.id, true)?;
        let mut outcomes = Vec::with_capacity(records.len());
        for (stored, (envelope, Pending { event, answer })) in records.iter().zip(events) {
            let folded = fold
                .apply(stored.offset, &envelope, &event)
                .map_err(|source| FolderError::Fold { offset: stored.offset, source })?;
            if let Authority::Stamp(stamp) = envelope.authority {
                note_arrival(&self.partition, stamp.partition, stamp.number, &folded.verdict);
            }
            outcomes.push((folded, answer));
        }
        let (mut changes, meta) = fold.finish();
        for (destination, first, last) in std::mem::take(&mut *self.partition.delivered.lock()) {
            (first..=last).for_each(|number| changes.set(OutboxRow::key(destination, number), None));
        }
        self.pipeline.commit(changes, applied, Told { meta, outcomes })?;
        self.next = applied.next;
        Ok(records.len() + foreign.len())
    }

    /// Waits until everything folded is committed and told.
    ///
    /// # Errors
    /// If it could not be committed.
    pub fn settle(&mut self) -> Result<(), FolderError> {
        Ok(self.pipeline.settle()?)
    }

    /// The records as events: those that were appended here and still wait, others decoded from their bytes.
    fn events(&self, records: &[&Stored]) -> Result<Vec<(Envelope, Pending)>, FolderError> {
        let at = |stored: &Stored| {
            let offset = stored.offset;
            move |source| FolderError::Decode { offset, source }
        };
        let mut events = Vec::with_capacity(records.len());
        for stored in records {
            let record = &stored.record;
            let envelope = Envelope::decode_header(&record.key, record.time, &record.header).map_err(at(stored))?;
            events.push((envelope, None));
        }
        let mut pending = self.partition.pending.lock();
        for (envelope, waiting) in &mut events {
            *waiting = pending.remove(&envelope.id);
        }
        drop(pending);
        let complete = |(stored, (envelope, waiting)): (&&Stored, (Envelope, Option<Pending>))| match waiting {
            Some(waiting) => Ok((envelope, waiting)),
            None => {
                let event = decoded(stored).map_err(at(stored))?;
                Ok((envelope, Pending { event, answer: None }))
            }
        };
        records.iter().zip(events).map(complete).collect()
    }
}

fn decoded(stored: &Stored) -> Result<Event, DecodeError> {
    let record = &stored.record;
    Envelope::decode(&record.key, record.time, &record.header, &record.payload).map(|(_, event)| event)
}

fn note_arrival(partition: &Partition, source: u32, number: u64, verdict: &Verdict) {
    if !matches!(verdict, Verdict::Ignored) {
        partition.arrived.lock().insert(source, number);
    }
}

/// After the commit: the watermark moves, live devices hear, then whoever asked gets his answer.
fn publish(partition: &Partition, told: Told, applied: Applied) {
    let Told { meta, outcomes } = told;
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
                Effect::GoOn { account, event } => partition.go_on(account, *event),
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
