use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use duolog_topics::{Authority, DecodeError, Envelope, Event};
use thiserror::Error;

use super::partition::{Answering, Committed, Partition, Pending};
use super::undecodable::or_undecodable;
use crate::domain::fold::{Fold, FoldError};
use crate::domain::rows::{Changes, MetaRow, OutboxRow, Pointer};
use crate::domain::verdict::{Effect, Folded, Verdict};
use crate::limits;
use crate::log::{LogError, ReadLimit, Stored};
use crate::store::{Applied, StoreError, Writer};

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
    #[error("the partition stops")]
    Stopped,
}

/// How long a wait for records lasts before it looks whether the partition stops.
const WAIT: Duration = Duration::from_millis(500);
const BATCH: ReadLimit = ReadLimit { records: limits::FOLD_RECORDS, bytes: limits::FOLD_BYTES };

/// A record as an event, or why no version of the fold can decode it.
type Read = Result<(Envelope, Pending), DecodeError>;

/// Reads what is durable, folds and commits it, answers and announces, on a thread of its own.
pub(super) struct Folder {
    partition: Arc<Partition>,
    rows: Writer,
    /// Without any, with the memory of the batch before.
    spare: Changes,
    next: u64,
    since_flush: u64,
}

impl Folder {
    pub fn new(partition: Arc<Partition>) -> Self {
        let next = partition.store.applied().map_or(0, |applied| applied.next);
        let rows = partition.store.writer();
        Self { partition, rows, spare: Changes::default(), next, since_flush: 0 }
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
                Err(FolderError::Stopped) => return,
                // The read has waited already. Nothing is lost: what is appended meanwhile is folded when it can be read.
                Err(FolderError::Log(LogError::Unreachable(why))) => {
                    tracing::warn!(partition = self.partition.id, "no records can be read, trying again: {why}");
                }
                Err(error) => return self.partition.fail(&error),
            }
        }
    }

    /// Folds one batch of what is durable, commits it and tells of it; how many records it was.
    ///
    /// # Errors
    /// The partition has to stop: nothing of the batch was told.
    pub fn fold_available(&mut self) -> Result<usize, FolderError> {
        let records = self.partition.log.read(self.partition.id, self.next, BATCH)?;
        let Some(last) = records.last() else { return Ok(0) };
        let applied = Applied { next: last.offset + 1, checksum: last.record.checksum() };
        let (foreign, records): (Vec<_>, Vec<_>) = records.iter().partition(|stored| super::is_foreign(&stored.record));
        metrics::counter!("duolog_foreign_records_total").increment(foreign.len() as u64);
        let events = self.events(&records)?;
        let spare = std::mem::take(&mut self.spare);
        let mut fold = Fold::new(&self.rows, self.partition.id, true)?.reusing(spare);
        fold.read_ahead(events.iter().flatten().map(|(envelope, pending)| (envelope, &pending.event)))?;
        let (mut outcomes, mut arrived) = (Vec::with_capacity(records.len()), HashMap::new());
        for (stored, event) in records.iter().zip(events) {
            let (envelope, Pending { event, answer }) = match event {
                Ok(event) => event,
                Err(why) => {
                    arrived.extend(self.pass_over(&mut fold, stored, &why)?);
                    continue;
                }
            };
            let folded = fold
                .apply(stored.offset, &envelope, &event)
                .map_err(|source| FolderError::Fold { offset: stored.offset, source })?;
            if let Authority::Stamp(stamp) = envelope.authority
                && !matches!(folded.verdict, Verdict::Ignored)
            {
                arrived.insert(stamp.partition, stamp.number);
            }
            outcomes.push((folded, answer));
        }
        let (mut changes, meta) = fold.finish();
        for (destination, first, last) in std::mem::take(&mut *self.partition.delivered.lock()) {
            (first..=last).for_each(|number| changes.set(OutboxRow::key(destination, number), None));
        }
        self.rows.commit(&mut changes, applied)?;
        changes.clear();
        self.spare = changes;
        self.next = applied.next;
        self.partition.arrived.lock().extend(arrived);
        publish(&self.partition, meta, outcomes, applied);
        self.since_flush += records.len() as u64;
        if self.since_flush >= limits::FLUSH_RECORDS {
            self.since_flush = 0;
            self.partition.store.flush_in_background()?;
        }
        Ok(records.len() + foreign.len())
    }

    /// A record that no version of the fold can decode; the carried number whose turn it was, by source.
    ///
    /// # Errors
    /// [`FolderError::Stopped`] before a copy of it is kept.
    fn pass_over(
        &self,
        fold: &mut Fold<'_>,
        stored: &Stored,
        why: &DecodeError,
    ) -> Result<Option<(u32, u64)>, FolderError> {
        let stamp = fold.pass_over(&stored.record.header)?;
        let generation = fold.meta().generation;
        let at = Pointer { generation, partition: self.partition.id, offset: stored.offset };
        if !self.partition.put_aside(at, stored, why) {
            return Err(FolderError::Stopped);
        }
        Ok(stamp.map(|stamp| (stamp.partition, stamp.number)))
    }

    /// The records as events: those that were appended here and still wait, others decoded from their bytes. An error stays
    /// with a record that no version of the fold can decode.
    fn events(&self, records: &[&Stored]) -> Result<Vec<Read>, FolderError> {
        let at = |stored: &Stored| {
            let offset = stored.offset;
            move |source| FolderError::Decode { offset, source }
        };
        let mut events = Vec::with_capacity(records.len());
        for stored in records {
            let record = &stored.record;
            let envelope = Envelope::decode_header(&record.key, record.time, &record.header);
            events.push(or_undecodable(envelope.map(|envelope| (envelope, None))).map_err(at(stored))?);
        }
        let mut pending = self.partition.pending.lock();
        for (envelope, waiting) in events.iter_mut().flatten() {
            *waiting = pending.remove(&envelope.id);
        }
        drop(pending);
        let complete = |(stored, event): (&&Stored, Result<(Envelope, Option<Pending>), DecodeError>)| match event {
            Err(why) => Ok(Err(why)),
            Ok((envelope, Some(waiting))) => Ok(Ok((envelope, waiting))),
            Ok((envelope, None)) => {
                let event = or_undecodable(decoded(stored)).map_err(at(stored))?;
                Ok(event.map(|event| (envelope, Pending { event, answer: None })))
            }
        };
        records.iter().zip(events).map(complete).collect()
    }
}

fn decoded(stored: &Stored) -> Result<Event, DecodeError> {
    let record = &stored.record;
    Envelope::decode(&record.key, record.time, &record.header, &record.payload).map(|(_, event)| event)
}

/// After the commit: the watermark moves, live devices hear, then whoever asked gets his answer. `outcomes`: each folded record
/// with who waits for it.
fn publish(partition: &Partition, meta: MetaRow, outcomes: Vec<(Folded, Option<Answering>)>, applied: Applied) {
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
                // What an earlier owner left to be gone on with, its log has already, or nobody is connected any more.
                Effect::GoOn { .. } if partition.owned_epoch() == 0 => {}
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
    partition.fence();
}
