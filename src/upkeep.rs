//! What an owner does for its partitions beside serving: checkpoints, and the trimming that they allow.
//!
//! It has a thread of its own and shares nothing with those that serve but the disk: a store of checkpoints that is slow
//! or down delays no send. Then the log is not trimmed, and the round is tried again, later and later.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use duolog_topics::{EventKind, Header};
use parking_lot::Mutex;
use thiserror::Error;

use crate::consumers::{DeadLetters, is_progress};
use crate::data_dir::{DataDir, continues};
use crate::domain::rows::RowsError;
use crate::engine::{Engine, Tap};
use crate::log::{Log, LogError, ReadLimit, first_at};
use crate::store::Store;
use crate::store::checkpoint::{CheckpointError, CheckpointStore, Checkpoints, KEPT, Manifest, Origin};

/// The wait after a round that failed; it doubles with each, up to the interval.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// How much of the log is read at a time to see whether it says anything new.
const LOOK: ReadLimit = ReadLimit { records: 256, bytes: 1 << 20 };

/// Why a round of upkeep was not finished; the next one tries again.
#[derive(Debug, Error)]
pub enum UpkeepError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Rows(#[from] RowsError),
}

/// Makes checkpoints at an interval, and trims the log below them.
pub struct Upkeep {
    pub engine: Engine,
    pub log: Arc<dyn Log>,
    pub letters: DeadLetters,
    pub data: DataDir,
    pub interval: Duration,
    /// Records and dead letters younger than this stay.
    pub retention: Duration,
    /// Records older than this are held back for no consumer.
    pub hold: Duration,
    /// When all that a partition had folded was last found in a good checkpoint.
    pub covered: Mutex<HashMap<u32, Instant>>,
    /// Whether the log may be trimmed: not where another owner could not get at the checkpoints here.
    pub trims: bool,
}

/// Ends a round that is under way when its future is dropped: a checkpoint may take a while, and nobody waits for it.
struct Running(Arc<Upkeep>, CheckpointStore);

impl Drop for Running {
    fn drop(&mut self) {
        self.1.stop();
    }
}

impl Upkeep {
    /// Runs until the future is dropped. The work is done on the blocking pool.
    pub async fn run(self) {
        let running = match self.data.checkpoint_store().cloned() {
            Ok(store) => Running(Arc::new(self), store),
            Err(error) => return tracing::error!("no checkpoints are made: {error}"),
        };
        let interval = running.0.interval;
        let mut failures = 0;
        loop {
            let retry = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(failures));
            tokio::time::sleep(if failures == 0 { interval } else { interval.min(retry) }).await;
            let upkeep = running.0.clone();
            match tokio::task::spawn_blocking(move || upkeep.round()).await {
                Ok(Ok(())) => failures = 0,
                // What they were is told by the round.
                Ok(Err(_)) => failures += 1,
                Err(error) => tracing::error!("upkeep stopped: {error}"),
            }
        }
    }

    /// One checkpoint of each partition in which something happened, and the trimming after it; of dead letters, too. What
    /// fails with one of them is told, and keeps it from none of the others.
    ///
    /// # Errors
    /// [`UpkeepError`], the first; what was there before is still good.
    pub fn round(&self) -> Result<(), UpkeepError> {
        let mut result = Ok(());
        for (partition, epoch, store) in self.engine.stores() {
            let Some(tap) = self.engine.tap(partition) else { continue };
            let done = self.partition(&tap, epoch, &store);
            match &done {
                Ok(()) => {}
                // The server stops, and nobody hears of the rest.
                Err(UpkeepError::Checkpoint(CheckpointError::Stopped)) => return done,
                Err(error) => tracing::warn!(partition, "upkeep of a partition was not finished this time: {error}"),
            }
            self.note(partition, done.is_ok());
            result = result.and(done);
        }
        let trimmed = self.letters.trim_before(self.before_now(self.retention));
        if let Err(error) = &trimmed {
            tracing::warn!("old dead letters were not trimmed this time: {error}");
        }
        result.and(trimmed.map_err(UpkeepError::from))
    }

    fn note(&self, partition: u32, done: bool) {
        let mut covered = self.covered.lock();
        let since = covered.entry(partition).or_insert_with(Instant::now);
        if done {
            *since = Instant::now();
        } else {
            let label = partition.to_string();
            metrics::counter!("duolog_checkpoint_failures_total", "partition" => label).increment(1);
        }
        let age = since.elapsed().as_secs_f64();
        metrics::gauge!("duolog_checkpoint_age_seconds", "partition" => partition.to_string()).set(age);
    }

    fn partition(&self, tap: &Tap, epoch: u64, store: &Store) -> Result<(), UpkeepError> {
        let needed = self.needed_by_consumers(tap)?;
        tap.hold_from(needed.unwrap_or(u64::MAX));
        let (meta, partition) = (tap.meta(), tap.partition());
        let origin = Origin { log_id: meta.log_id.to_string(), generation: meta.generation, partition, epoch };
        let checkpoints = self.data.checkpoints(partition)?;
        let good = self.checkpoint(&checkpoints, &origin, store)?;
        if self.trims { self.trim(partition, &good, needed) } else { Ok(()) }
    }

    /// The first record that a consumer still needs and may hold back. One that trails by more than the limit loses what
    /// is older, and the operator hears of it at every round until then.
    fn needed_by_consumers(&self, tap: &Tap) -> Result<Option<u64>, UpkeepError> {
        let Some(needed) = tap.needed_from()? else { return Ok(None) };
        let partition = tap.partition();
        let oldest = self.before_now(self.hold);
        let may_hold = first_at(self.log.as_ref(), partition, oldest)?;
        if needed < may_hold {
            tracing::error!(
                partition,
                "a consumer needs the log from offset {needed} on, but records below {may_hold} are older than \
                 log.hold_days and are not kept for it: see `duolog-replay lag`"
            );
        } else if needed < first_at(self.log.as_ref(), partition, self.before_now(self.hold / 2))? {
            tracing::warn!(partition, "a consumer holds back the log from offset {needed} on: see `duolog-replay lag`");
        }
        Ok(Some(needed.max(may_hold)))
    }

    /// Record time so long ago.
    fn before_now(&self, age: Duration) -> u64 {
        self.engine.now().saturating_sub(age.as_millis() as u64)
    }

    /// Makes a checkpoint, if something happened since the last one; the newest good ones, newest first.
    fn checkpoint(&self, checkpoints: &Checkpoints, of: &Origin, store: &Store) -> Result<Vec<Manifest>, UpkeepError> {
        let fits = |made: &Manifest| Ok(continues(self.log.as_ref(), made)?);
        let good = checkpoints.good(of, &fits)?;
        let from = good.first().map_or(0, |newest| newest.applied().next);
        if !self.has_moved(of.partition, from, store.applied().map_or(0, |applied| applied.next))? {
            return Ok(good);
        }
        let made = checkpoints.make(store, of, &mut |_, _| {})?;
        tracing::info!(partition = of.partition, bytes = made.bytes(), "checkpoint {} is made", made.name());
        checkpoints.prune(of, &fits)?;
        checkpoints.good(of, &fits)
    }

    /// Whether records between two offsets say more than that time passes and how far others have come.
    fn has_moved(&self, partition: u32, from: u64, until: u64) -> Result<bool, LogError> {
        let mut next = from.max(self.log.bounds(partition)?.first);
        while next < until {
            let records = self.log.read(partition, next, LOOK)?;
            let Some(last) = records.last() else { break };
            next = last.offset + 1;
            let says_more = |header: &[u8]| {
                let kind = Header::decode(header).ok().and_then(|header| EventKind::from_name(header.kind));
                kind.is_none_or(|kind| !is_progress(kind))
            };
            if records.iter().any(|stored| stored.offset < until && says_more(&stored.record.header)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Trims below the older of the two newest good checkpoints, and never what is younger than the retention or needed by
    /// a consumer.
    fn trim(&self, partition: u32, good: &[Manifest], needed: Option<u64>) -> Result<(), UpkeepError> {
        let Some(older) = good.get(KEPT - 1).map(|manifest| manifest.applied().next) else { return Ok(()) };
        let horizon = self.before_now(self.retention);
        // The record at the checkpoint's last offset stays: its checksum tells whether log and state belong together.
        let below = first_at(self.log.as_ref(), partition, horizon)?.min(older.saturating_sub(1));
        let below = below.min(needed.unwrap_or(u64::MAX));
        if below > self.log.bounds(partition)?.first {
            self.log.trim(partition, below)?;
            tracing::info!(partition, "log is trimmed below offset {below}");
        }
        Ok(())
    }
}
