use std::sync::Arc;

use duolog_topics::{Authority, Envelope, Event, FoldVersion, LogId, LogOpened, OwnerChanged, PolicyChanged};
use thiserror::Error;
use tokio::sync::oneshot;

use super::EngineError;
use super::appender::system_account;
use super::folder::FolderError;
use super::partition::{Committed, Partition, Pending};
use crate::domain::fold::FOLD_VERSION;
use crate::domain::rows::{MetaRow, Rows, RowsError, get};
use crate::log::{Bounds, Log, LogError, ReadLimit};
use crate::store::Applied;

/// Why an engine does not open. Every text says what to do.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Fold(#[from] FolderError),
    #[error(transparent)]
    Rows(#[from] RowsError),
    #[error(
        "partition {partition}: the state has folded up to offset {next}, but the log ends at {end}: the log was cut. \
         Put the log back from a backup. To go on without what it has lost, delete the state"
    )]
    BeyondLog { partition: u32, next: u64, end: u64 },
    #[error(
        "partition {partition}: the record at offset {offset} is not the one that the state was folded from. \
         Delete the state to build it again from this log"
    )]
    OtherLog { partition: u32, offset: u64 },
    #[error(
        "partition {partition}: the log begins at offset {first}, and there is no state and no checkpoint for what \
         came before. Put back a checkpoint"
    )]
    NoBase { partition: u32, first: u64 },
    #[error("partition {partition}: another node took it over at the same time")]
    Overtaken { partition: u32 },
    #[error("partition {partition}: it went to another node before it was taken over")]
    Unwanted { partition: u32 },
    #[error("partition {partition}: the record that makes this node the owner was not read back in time")]
    Unclaimed { partition: u32 },
    #[error("partition {partition}: the log does not say which log it is: its first record is no log.opened")]
    NoLogId { partition: u32 },
    #[error(
        "partition {partition}: the log goes on from an earlier one (generation {generation}), and there is no state and \
         no checkpoint of what was moved. Put back a checkpoint, or move again with `duolog-replay migrate`"
    )]
    NothingMoved { partition: u32, generation: u32 },
    #[error(
        "partition {partition} was opened in a log of {recorded} partitions, and the log has {found} now: accounts would \
         have other homes. The number of partitions cannot be changed, only moved to a new log"
    )]
    OtherPartitions { partition: u32, recorded: u32, found: u32 },
}

/// Checks that a partition's state belongs to its log: the checksum of the last applied record, and the ends.
///
/// # Errors
/// [`OpenError`] if this state must not be used.
pub fn check_state(log: &dyn Log, partition: u32, applied: Option<Applied>) -> Result<(), OpenError> {
    let bounds = log.bounds(partition)?;
    let Some(applied) = applied else {
        return match bounds.first {
            0 => refuse_moved(log, partition, &bounds),
            first => Err(OpenError::NoBase { partition, first }),
        };
    };
    if applied.next > bounds.high_watermark {
        return Err(OpenError::BeyondLog { partition, next: applied.next, end: bounds.high_watermark });
    }
    let Some(offset) = applied.next.checked_sub(1).filter(|offset| *offset >= bounds.first) else {
        return Ok(());
    };
    let read = log.read(partition, offset, ReadLimit { records: 1, bytes: 0 })?;
    match read.first() {
        Some(stored) if stored.offset == offset && stored.record.checksum() == applied.checksum => Ok(()),
        _ => Err(OpenError::OtherLog { partition, offset }),
    }
}

/// A log that was begun with what another one held cannot be folded from its start alone.
fn refuse_moved(log: &dyn Log, partition: u32, bounds: &Bounds) -> Result<(), OpenError> {
    if bounds.high_watermark == 0 {
        return Ok(());
    }
    let read = log.read(partition, 0, ReadLimit { records: 1, bytes: 0 })?;
    let opened = read
        .first()
        .map(|stored| &stored.record)
        .and_then(|record| Envelope::decode(&record.key, record.time, &record.header, &record.payload).ok());
    match opened {
        Some((_, Event::LogOpened(LogOpened { generation, .. }))) if generation > 0 => {
            Err(OpenError::NothingMoved { partition, generation })
        }
        // Whatever else stands there, the fold finds.
        _ => Ok(()),
    }
}

/// Checks that a log has as many partitions as it was made with, as far as a partition's records say. On Kafka anybody can
/// add some.
pub(super) fn check_partitions(meta: &MetaRow, found: u32) -> Result<(), OpenError> {
    let recorded = meta.partitions;
    match meta.log_id.is_nil() || recorded == found {
        true => Ok(()),
        false => Err(OpenError::OtherPartitions { partition: meta.partition, recorded, found }),
    }
}

/// What an owner brings when it takes partitions over.
pub(super) struct Takeover<'a> {
    /// For a log that has no id yet.
    pub log_id: LogId,
    pub partitions: u32,
    pub node: &'a str,
    pub policy: &'a PolicyChanged,
}

/// What the records of a takeover are known by when they are read back.
pub(super) struct Claim {
    pub epoch: u64,
    /// Of the owner's record.
    pub verdict: oneshot::Receiver<Result<Committed, EngineError>>,
    pub appended: Result<(), LogError>,
}

impl Takeover<'_> {
    /// Appends, under the next epoch: on a new log what it is; the new owner; the fold's version; a newer policy.
    pub fn append(&self, partition: &Partition) -> Claim {
        let meta = partition.meta();
        let epoch = meta.epoch + 1;
        let (answer, verdict) = oneshot::channel();
        let mut answer = Some(answer);
        let mut records = Vec::new();
        for event in self.events(&meta) {
            let authority = Authority::Epoch(if matches!(event, Event::LogOpened(_)) { 0 } else { epoch });
            let (time, account) = (partition.now(), system_account());
            let id = partition.ids.event_id(time);
            records.push(super::record_of(&Envelope { id, time, account, authority }, &event));
            if matches!(event, Event::OwnerChanged(_)) {
                let answer = answer.take();
                partition.pending.lock().insert(id, Pending { event, answer });
            }
        }
        let appended = partition.log.append(partition.id, records).map(drop);
        Claim { epoch, verdict, appended }
    }

    fn events(&self, meta: &MetaRow) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let is_new = meta.log_id.is_nil();
        let (log_id, generation) = if is_new { (self.log_id, 0) } else { (meta.log_id, meta.generation) };
        let (partitions, epoch, node) = (self.partitions, meta.epoch + 1, self.node.to_owned());
        if is_new {
            events.push(LogOpened { log_id, generation, partitions, format: 1 }.into());
        }
        events.push(OwnerChanged { log_id, generation, partitions, epoch, node }.into());
        if meta.fold_version == 0 {
            events.push(FoldVersion { n: FOLD_VERSION }.into());
        }
        if self.policy.revision > meta.policy.revision {
            events.push(self.policy.clone().into());
        } else if *self.policy != meta.policy && self.policy.revision == meta.policy.revision {
            tracing::warn!(
                revision = self.policy.revision,
                "[policy] differs from what the log has recorded under this revision and is not used: raise policy.revision"
            );
        }
        events
    }
}

/// The partition's own row as committed.
pub(super) fn committed_meta(rows: &dyn Rows, partition: u32) -> Result<Arc<MetaRow>, RowsError> {
    let meta = get::<MetaRow>(rows, MetaRow::key().as_slice())?;
    Ok(Arc::new(meta.unwrap_or_else(|| MetaRow::empty(partition))))
}

/// The id of a partition's log. On a new log the first `log.opened` of partition 0 counts, whoever wrote it, and every
/// partition repeats its id.
///
/// # Errors
/// If the log cannot be read or written, or begins with something else.
pub(super) fn log_id(partition: &Partition, node_makes: LogId) -> Result<LogId, OpenError> {
    /// Partition 0 names the log.
    const NAMED_IN: u32 = 0;
    let known = partition.log_id();
    if !known.is_nil() || partition.id == NAMED_IN {
        return Ok(if known.is_nil() { node_makes } else { known });
    }
    let log = &partition.log;
    let first = log.bounds(NAMED_IN)?;
    if first.first == first.high_watermark {
        let time = partition.now();
        let id = partition.ids.event_id(time);
        let envelope = Envelope { id, time, account: system_account(), authority: Authority::Epoch(0) };
        let opened = LogOpened { log_id: node_makes, generation: 0, partitions: log.partitions(), format: 1 };
        log.append(NAMED_IN, vec![super::record_of(&envelope, &opened.into())])?;
    }
    let records = log.read(NAMED_IN, first.first, ReadLimit { records: 1, bytes: 0 })?;
    let record = &records.first().ok_or(OpenError::NoLogId { partition: NAMED_IN })?.record;
    match Envelope::decode(&record.key, record.time, &record.header, &record.payload) {
        Ok((_, Event::LogOpened(opened))) => Ok(opened.log_id),
        _ => Err(OpenError::NoLogId { partition: NAMED_IN }),
    }
}
