use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use duolog::domain::fold::Fold;
use duolog::domain::rows::Changes;
use duolog::engine::{CachedRows, ExpiredRows};
use duolog::log::{EmbeddedLog, Log, ReadLimit, Record, Stored};
use duolog::store::{Applied, Shared, SharedSizes, Store};
use duolog::{engine, limits};
use duolog_topics::{Envelope, Event};

/// The fold of one partition on its state, as the engine's folder runs it, without waiting for anybody.
pub struct Folding {
    pub store: Store,
    rows: CachedRows<Store>,
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
        Ok(Self { rows: CachedRows::new(store.clone(), limits::ROW_CACHE), store })
    }

    /// Folds a batch and commits it; what it changed.
    pub fn fold(&self, batch: &[Decoded]) -> Result<Changes> {
        let mut fold = Fold::new(&self.rows, 0, true)?;
        for decoded in batch {
            fold.apply(decoded.offset, &decoded.envelope, &decoded.event)?;
        }
        let (changes, _) = fold.finish();
        let last = batch.last().context("a batch has records")?;
        let applied = Applied { next: last.offset + 1, checksum: last.record.checksum() };
        self.store.commit(&changes, applied)?;
        self.rows.committed(&changes);
        Ok(changes)
    }

    /// Folds what lies between two offsets, in large batches.
    pub fn catch_up(&self, log: &EmbeddedLog, offsets: Range<u64>) -> Result<()> {
        each_batch(log, offsets, limits::FOLD_RECORDS, |batch| self.fold(&batch).map(drop))
    }

    /// Folds what lies between two offsets in batches of a size: how long folding and committing took, without reading and
    /// decoding.
    pub fn timed(&self, log: &EmbeddedLog, offsets: Range<u64>, size: usize) -> Result<Duration> {
        let mut taken = Duration::ZERO;
        each_batch(log, offsets, size, |batch| {
            let start = Instant::now();
            drop(self.fold(&batch)?);
            taken += start.elapsed();
            Ok(())
        })?;
        Ok(taken)
    }

    /// Folds what lies between two offsets in batches of a size: what came of each.
    pub fn captured(&self, log: &EmbeddedLog, offsets: Range<u64>, size: usize) -> Result<Vec<Committed>> {
        let mut all = Vec::new();
        each_batch(log, offsets, size, |batch| {
            let changes = self.fold(&batch)?;
            all.push(Committed { records: batch.into_iter().map(|decoded| decoded.record).collect(), changes });
            Ok(())
        })?;
        Ok(all)
    }
}

/// What one batch of records came to.
pub struct Committed {
    pub records: Vec<Record>,
    pub changes: Changes,
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
    })
}
