use std::thread;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender};
use duolog_topics::{Envelope, Event};

use super::{RebuildError, Span};
use crate::engine::{FolderError, is_foreign, or_undecodable};
use crate::limits;
use crate::log::{Log, ReadLimit, Stored};
use crate::store::Applied;

/// Batches that are decoded and wait for the fold.
const AHEAD: usize = 1;
const LIMIT: ReadLimit = ReadLimit { records: limits::REBUILD_RECORDS, bytes: limits::REBUILD_BYTES };

/// A record and what it says.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub offset: u64,
    pub envelope: Envelope,
    pub event: Event,
}

/// A record of a batch, or the header of one that no version of the fold can decode.
pub(super) type Read = Result<Decoded, Bytes>;

/// Records that are folded and committed together, and the place after them.
pub(super) struct Batch {
    pub records: Vec<Read>,
    pub applied: Applied,
}

/// Reads and decodes a span on a thread of its own, and hands it over in batches, in order, until one is refused.
pub(super) fn with_decoded(
    log: &dyn Log,
    span: Span,
    mut take: impl FnMut(Batch) -> Result<(), RebuildError>,
) -> Result<(), RebuildError> {
    let (sender, batches) = crossbeam_channel::bounded(AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || send_all(log, span, &sender));
        // Dropped at the end of this block, also early: then the other thread ends, too.
        let batches: Receiver<Result<Batch, FolderError>> = batches;
        for batch in &batches {
            take(batch.map_err(|source| RebuildError::Fold { partition: span.partition, source })?)?;
        }
        Ok(())
    })
}

fn send_all(log: &dyn Log, span: Span, batches: &Sender<Result<Batch, FolderError>>) {
    let mut next = span.from;
    while next < span.end {
        let batch = read_batch(log, span, next);
        let ended = batch.as_ref().map_or(true, |batch| {
            next = batch.applied.next;
            false
        });
        if batches.send(batch).is_err() || ended {
            return;
        }
    }
}

fn read_batch(log: &dyn Log, span: Span, next: u64) -> Result<Batch, FolderError> {
    let mut stored = log.read(span.partition, next, LIMIT)?;
    stored.retain(|stored| stored.offset < span.end);
    let Some(last) = stored.last() else {
        return Err(crate::log::LogError::Failed(format!("it ends at offset {next}, before {}", span.end)).into());
    };
    let applied = Applied { next: last.offset + 1, checksum: last.record.checksum() };
    let ours = stored.iter().filter(|stored| !is_foreign(&stored.record));
    let records = ours.map(decode).collect::<Result<_, _>>()?;
    Ok(Batch { records, applied })
}

fn decode(stored: &Stored) -> Result<Read, FolderError> {
    let Stored { offset, record } = stored;
    let decoded = Envelope::decode(&record.key, record.time, &record.header, &record.payload);
    let decoded = or_undecodable(decoded).map_err(|source| FolderError::Decode { offset: *offset, source })?;
    Ok(match decoded {
        Ok((envelope, event)) => Ok(Decoded { offset: *offset, envelope, event }),
        Err(_) => Err(record.header.clone()),
    })
}
