//! What an owner does for its partitions beside serving: checkpoints, and the trimming that they allow.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::consumers::DeadLetters;
use crate::data_dir::DataDir;
use crate::domain::rows::RowsError;
use crate::engine::{Engine, Tap};
use crate::log::{Log, LogError, first_at};
use crate::store::Store;
use crate::store::checkpoint::{CheckpointError, Origin};

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
    /// Records that have to be folded since the last checkpoint for another one to be made.
    pub worth: u64,
    /// Whether the log may be trimmed: not where another owner could not get at the checkpoints here.
    pub trims: bool,
}

impl Upkeep {
    /// Runs until the future is dropped. The work is done on the blocking pool.
    pub async fn run(self) {
        let upkeep = Arc::new(self);
        let mut ticks = tokio::time::interval(upkeep.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let upkeep = upkeep.clone();
            let round = tokio::task::spawn_blocking(move || upkeep.round());
            match round.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("upkeep was not finished this time: {error}"),
                Err(error) => tracing::error!("upkeep stopped: {error}"),
            }
        }
    }

    /// One checkpoint of each partition that has moved on enough, and the trimming after it; of dead letters, too.
    ///
    /// # Errors
    /// [`UpkeepError`]; what was there before is still good.
    pub fn round(&self) -> Result<(), UpkeepError> {
        for (partition, epoch, store) in self.engine.stores() {
            self.checkpoint(partition, epoch, &store)?;
            let Some(tap) = self.engine.tap(partition) else { continue };
            let needed = self.needed_by_consumers(&tap)?;
            tap.hold_from(needed.unwrap_or(u64::MAX));
            if self.trims {
                self.trim(partition, needed)?;
            }
        }
        Ok(self.letters.trim_before(self.before_now(self.retention))?)
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

    fn checkpoint(&self, partition: u32, epoch: u64, store: &Store) -> Result<(), UpkeepError> {
        let checkpoints = self.data.checkpoints(partition);
        let newest = checkpoints.list()?.into_iter().map(|name| name.next).max().unwrap_or(0);
        let next = store.applied().map_or(0, |applied| applied.next);
        if next < newest.saturating_add(self.worth) {
            return Ok(());
        }
        let origin = Origin { log_id: self.engine.log_id().to_string(), partition, epoch };
        let made = checkpoints.make(store, &origin)?;
        tracing::info!(partition, bytes = made.bytes(), "checkpoint {} is made", made.name());
        checkpoints.prune(epoch)?;
        Ok(())
    }

    /// Trims below the older of the two newest good checkpoints, and never what is younger than the retention or needed by
    /// a consumer.
    fn trim(&self, partition: u32, needed: Option<u64>) -> Result<(), UpkeepError> {
        let checkpoints = self.data.checkpoints(partition);
        let mut good: Vec<u64> = checkpoints
            .list()?
            .into_iter()
            .filter_map(|name| checkpoints.verify(&name).ok())
            .map(|manifest| manifest.applied().next)
            .collect();
        good.sort_unstable();
        let Some(older) = good.len().checked_sub(2).map(|place| good[place]) else { return Ok(()) };
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
