use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::data_dir::DataDir;
use duolog::dir_lock::lock_dir;
use duolog::log::Log;
use duolog::rebuild::{Base, Span, base_of, fold_log};
use duolog::store::{KeepAll, Shared, SharedSizes, Store};
use duolog::telemetry::say;

use crate::data::{Data, Progress};
use crate::print::counted;

/// Fold the state anew, from its base and the log, and put it in place of the old one; the server has to be stopped
#[derive(Args)]
pub struct Rebuild {
    #[command(flatten)]
    data: Data,
}

impl Rebuild {
    pub fn run(self) -> Result<ExitCode> {
        let dir = self.data.dir()?;
        // First the log: a folder that holds none is not ours to lock.
        let log = self.data.log()?;
        let _lock = lock_dir(dir.root())?;
        let fresh = dir.root().join("state.rebuilt");
        if fresh.exists() {
            // An earlier rebuild was broken off.
            fs::remove_dir_all(&fresh).with_context(|| format!("{} cannot be removed", fresh.display()))?;
        }
        for partition in 0..log.partitions() {
            let end = log.bounds(partition)?.high_watermark;
            fold_fresh(&dir, log.as_ref(), partition, end, &fresh.join(partition.to_string()))?.flush()?;
        }
        let state = dir.root().join("state");
        if state.exists() {
            fs::remove_dir_all(&state).with_context(|| format!("{} cannot be removed", state.display()))?;
        }
        fs::rename(&fresh, &state).with_context(|| format!("{} cannot be put in place", fresh.display()))?;
        let partitions = counted(log.partitions().into(), "partition", "partitions");
        say(format_args!("the state is built again: {partitions}"));
        Ok(ExitCode::SUCCESS)
    }
}

/// Folds a partition up to `end` into a new store.
pub fn fold_fresh(dir: &DataDir, log: &dyn Log, partition: u32, end: u64, path: &Path) -> Result<Store> {
    let from = put_base(dir, log, partition, path)?;
    let shared = Shared::new(SharedSizes::default())?;
    let store = Store::open(path, &shared, Arc::new(KeepAll))?;
    let mut progress = Progress::new("folding", from, end);
    fold_log(log, Span { partition, from, end }, &mut store.writer(), &mut progress)?;
    Ok(store)
}

/// The first offset that [`fold_fresh`] folds.
pub fn base_next(dir: &DataDir, log: &dyn Log, partition: u32) -> Result<u64> {
    Ok(base_of(log, partition, &dir.checkpoints(partition)?)?.next())
}

/// Puts the base of a rebuild where its store is opened next; the first offset to fold.
pub fn put_base(dir: &DataDir, log: &dyn Log, partition: u32, path: &Path) -> Result<u64> {
    let checkpoints = dir.checkpoints(partition)?;
    let base = base_of(log, partition, &checkpoints)?;
    if let Base::Checkpoint(manifest) = &base {
        let progress = Progress::bytes("putting back");
        checkpoints.restore(&manifest.name(), path, &mut |done, all| progress.at(done, all))?;
    }
    Ok(base.next())
}
