use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use duolog::domain::fold::Fold;
use duolog::domain::rows::{Cell, Changes, Key};
use duolog::engine::ExpiredRows;
use duolog::log::{EmbeddedLog, Log, ReadLimit, Record, Stored};
use duolog::store::{Applied, Shared, SharedSizes, Store, Writer};
use duolog::{engine, limits};
use duolog_topics::{Envelope, Event};

use crate::raw;

/// The fold of one partition on its state, as the engine's folder runs it, without waiting for anybody.
pub struct Folding {
    pub store: Store,
    writer: Writer,
    /// Without any, with the memory of the batch before.
    spare: Changes,
}

/// A record and what it says.
pub struct Decoded {
    pub record: Record,
    offset: u64,
    envelope: Envelope,
    event: Event,
}

impl Folding {
    /// On an empty state.
    pub fn new(path: &Path) -> Result<Self> {
        let store = store(path)?.0;
        Ok(Self { writer: store.writer(), spare: Changes::default(), store })
    }

    /// Folds a batch and commits it.
    pub fn fold(&mut self, batch: &[Decoded]) -> Result<()> {
        let (changes, applied) = self.changes(batch)?;
        self.commit(changes, applied)
    }

    fn commit(&mut self, mut changes: Changes, applied: Applied) -> Result<()> {
        self.writer.commit(&mut changes, applied)?;
        changes.clear();
        self.spare = changes;
        Ok(())
    }

    fn changes(&mut self, batch: &[Decoded]) -> Result<(Changes, Applied)> {
        let spare = std::mem::take(&mut self.spare);
        let mut fold = Fold::new(&self.writer, 0, true)?.reusing(spare);
        fold.read_ahead(batch.iter().map(|decoded| (&decoded.envelope, &decoded.event)))?;
        for decoded in batch {
            fold.apply(decoded.offset, &decoded.envelope, &decoded.event)?;
        }
        let (changes, _) = fold.finish();
        let last = batch.last().context("a batch has records")?;
        Ok((changes, Applied { next: last.offset + 1, checksum: last.record.checksum() }))
    }

    /// Folds what lies between two offsets, in large batches.
    pub fn catch_up(&mut self, log: &EmbeddedLog, offsets: Range<u64>) -> Result<()> {
        each_batch(log, offsets, limits::FOLD_RECORDS, |batch| self.fold(&batch))
    }

    /// Folds what lies between two offsets in batches of a size: how long folding and committing took, until all rows are in
    /// tables, without reading and decoding.
    pub fn timed(&mut self, log: &EmbeddedLog, offsets: Range<u64>, size: usize) -> Result<Duration> {
        let mut taken = Duration::ZERO;
        each_batch(log, offsets, size, |batch| {
            let start = Instant::now();
            self.fold(&batch)?;
            taken += start.elapsed();
            Ok(())
        })?;
        let start = Instant::now();
        self.store.flush()?;
        Ok(taken + start.elapsed())
    }

    /// Folds what lies between two offsets in batches of a size: what came of each.
    pub fn captured(&mut self, log: &EmbeddedLog, offsets: Range<u64>, size: usize) -> Result<Vec<Committed>> {
        let mut all = Vec::new();
        each_batch(log, offsets, size, |batch| {
            let (changes, applied) = self.changes(&batch)?;
            let encoded =
                |(key, cell): (&Key, &Option<Cell>)| (key.as_slice().to_vec(), cell.as_ref().map(Cell::bytes));
            let rows = changes.sorted().map(encoded).collect();
            self.commit(changes, applied)?;
            all.push(Committed { records: batch.into_iter().map(|decoded| decoded.record).collect(), changes: rows });
            Ok(())
        })?;
        Ok(all)
    }
}

/// What one batch of records came to.
pub struct Committed {
    pub records: Vec<Record>,
    pub changes: raw::Rows,
}

/// A store with the options of the server.
pub fn store(path: &Path) -> Result<(Store, Arc<ExpiredRows>)> {
    let expiry = ExpiredRows::new();
    Ok((Store::open(path, &Shared::new(SharedSizes::default())?, expiry.clone())?, expiry))
}

/// Reads and decodes what lies between two offsets, in batches of a size; the last one may be smaller.
pub fn each_batch(
    log: &EmbeddedLog,
    offsets: Range<u64>,
    size: usize,
    mut take: impl FnMut(Vec<Decoded>) -> Result<()>,
) -> Result<()> {
    let (mut next, mut batch) = (offsets.start, Vec::new());
    while next < offsets.end {
        let records = (size - batch.len()).min((offsets.end - next) as usize);
        for Stored { offset, record } in log.read(0, next, ReadLimit { records, bytes: limits::FOLD_BYTES })? {
            let (envelope, event) = Envelope::decode(&record.key, record.time, &record.header, &record.payload)?;
            batch.push(Decoded { record, offset, envelope, event });
            next = offset + 1;
        }
        if batch.len() == size || next == offsets.end {
            take(std::mem::take(&mut batch))?;
        }
    }
    Ok(())
}

/// The parts of an engine with one partition on this log.
pub fn parts(log: Arc<dyn Log>, state: &Path) -> Result<engine::Parts> {
    let (store, expiry) = store(state)?;
    Ok(engine::Parts {
        log,
        stores: vec![store],
        expiry: vec![expiry],
        policy: crate::history::policy(),
        node: "bench".to_owned(),
        clock: None,
        aside: None,
    })
}
