//! What an owner does for its partitions beside serving: checkpoints, and the trimming that they allow.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::data_dir::DataDir;
use crate::engine::Engine;
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
}

/// Makes checkpoints at an interval, and trims the log below them.
pub struct Upkeep {
    pub engine: Engine,
    pub log: Arc<dyn Log>,
    pub data: DataDir,
    pub interval: Duration,
    /// Records younger than this stay.
    pub retention: Duration,
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
                Ok(Err(error)) => tracing::warn!("no checkpoint this time: {error}"),
                Err(error) => tracing::error!("upkeep stopped: {error}"),
            }
        }
    }

    /// One checkpoint of each partition that has moved on enough, and the trimming after it.
    ///
    /// # Errors
    /// [`UpkeepError`]; what was there before is still good.
    pub fn round(&self) -> Result<(), UpkeepError> {
        for (partition, epoch, store) in self.engine.stores() {
            self.checkpoint(partition, epoch, &store)?;
            if self.trims {
                self.trim(partition)?;
            }
        }
        Ok(())
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

    /// Trims below the older of the two newest good checkpoints, and never what is younger than the retention.
    fn trim(&self, partition: u32) -> Result<(), UpkeepError> {
        let checkpoints = self.data.checkpoints(partition);
        let mut good: Vec<u64> = checkpoints
            .list()?
            .into_iter()
            .filter_map(|name| checkpoints.verify(&name).ok())
            .map(|manifest| manifest.applied().next)
            .collect();
        good.sort_unstable();
        let Some(older) = good.len().checked_sub(2).map(|place| good[place]) else { return Ok(()) };
        let horizon = self.engine.now().saturating_sub(self.retention.as_millis() as u64);
        // The record at the checkpoint's last offset stays: its checksum tells whether log and state belong together.
        let below = first_at(self.log.as_ref(), partition, horizon)?.min(older.saturating_sub(1));
        if below > self.log.bounds(partition)?.first {
            self.log.trim(partition, below)?;
            tracing::info!(partition, "log is trimmed below offset {below}");
        }
        Ok(())
    }
}
