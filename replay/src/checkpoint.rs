use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};
use duolog::data_dir::{DataDir, OpenState, continues};
use duolog::dir_lock::lock_dir;
use duolog::domain::dump::meta_of;
use duolog::engine::check_state;
use duolog::log::Log;
use duolog::rebuild::{Span, fold_log};
use duolog::store::checkpoint::{Checkpoints, Manifest, Name, Origin, Place};
use duolog::store::{Shared, SharedSizes};
use duolog::telemetry::say;
use duolog_topics::rfc3339;
use serde_json::{Value, json};

use crate::data::{Data, Progress, wrong};
use crate::print::print;

/// Look after checkpoints, the copies of the state that a rebuild starts from
#[derive(Subcommand)]
pub enum Checkpoint {
    /// Print those that are there, a line of JSON each, oldest first; of their files nothing is read
    List(List),
    /// Make one of each partition as the log is now, read back; the server has to be stopped
    Make(Make),
    /// Read all through, a line of JSON each; exit 0 only if none is damaged and each partition has one
    Verify(Verify),
    /// Put one in place of the state, the newest good one or the one that is named; the server has to be stopped
    Restore(Restore),
}

impl Checkpoint {
    pub fn run(self) -> Result<ExitCode> {
        match self {
            Self::List(verb) => verb.run(),
            Self::Make(verb) => verb.run(),
            Self::Verify(verb) => verb.run(),
            Self::Restore(verb) => verb.run(),
        }
    }
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    data: Data,
}

impl List {
    fn run(self) -> Result<ExitCode> {
        let dir = self.data.dir()?;
        let store = dir.checkpoint_store()?;
        if let Place::Folder(folder) = store.place() {
            // One that is mistyped would look like one in which nothing is.
            ensure!(folder.is_dir(), "there are no checkpoints: {} is no folder", folder.display());
        }
        for partition in store.partitions()? {
            let checkpoints = store.of(partition);
            for name in checkpoints.list()? {
                match checkpoints.manifest(&name) {
                    Ok(manifest) => print(line(&manifest))?,
                    Err(error) if error.is_damage() => print(damaged(partition, &name, &error))?,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line(manifest: &Manifest) -> Value {
    let Origin { log_id, generation, partition, epoch } = &manifest.origin;
    json!({
        "partition": partition,
        "name": manifest.name().to_string(),
        "epoch": epoch,
        "offset": manifest.applied().next,
        "made": rfc3339(manifest.made),
        "bytes": manifest.bytes(),
        "files": manifest.files.len(),
        "log": log_id,
        "generation": generation,
    })
}

fn damaged(partition: u32, name: &Name, error: &dyn std::fmt::Display) -> Value {
    json!({ "partition": partition, "name": name.to_string(), "damaged": error.to_string() })
}

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    data: Data,
}

impl Verify {
    fn run(self) -> Result<ExitCode> {
        let dir = self.data.dir()?;
        let mut all_good = true;
        for partition in self.partitions(&dir)? {
            all_good &= verify(&dir.checkpoints(partition)?, partition)?;
        }
        Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The partitions that have checkpoints, and those that should have one: the log's, if it can be read.
    fn partitions(&self, dir: &DataDir) -> Result<BTreeSet<u32>> {
        let store = dir.checkpoint_store()?;
        let mut partitions: BTreeSet<u32> = store.partitions()?.into_iter().collect();
        match self.data.log() {
            Ok(log) => partitions.extend(0..log.partitions()),
            Err(why) if partitions.is_empty() => {
                return Err(why.context(format!("there are no checkpoints in {}", store.place())));
            }
            Err(_) => {}
        }
        Ok(partitions)
    }
}

/// Whether a partition has a checkpoint, and none that is damaged.
fn verify(checkpoints: &Checkpoints, partition: u32) -> Result<bool> {
    let names = checkpoints.list()?;
    let mut all_good = !names.is_empty();
    if names.is_empty() {
        say(format_args!("partition {partition} has no checkpoint"));
    }
    for name in names {
        let progress = Progress::bytes("reading");
        match checkpoints.verify_watched(&name, &mut |done, all| progress.at(done, all)) {
            Ok(manifest) => {
                let mut line = line(&manifest);
                line["good"] = true.into();
                print(line)?;
            }
            Err(error) if error.is_damage() => {
                all_good = false;
                print(damaged(partition, &name, &error))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all_good)
}

#[derive(Args)]
pub struct Make {
    #[command(flatten)]
    data: Data,
}

impl Make {
    fn run(self) -> Result<ExitCode> {
        let dir = self.data.dir()?;
        // First the log: a folder that holds none is not ours to lock.
        let log = self.data.log()?;
        let _lock = lock_dir(dir.root())?;
        let shared = Shared::new(SharedSizes::default())?;
        for partition in 0..log.partitions() {
            let state = caught_up(&dir, log.as_ref(), partition, &shared)?;
            let (checkpoints, of) = (dir.checkpoints(partition)?, origin_of(&state)?);
            let progress = Progress::bytes("copying");
            let made = checkpoints.make(&state.store, &of, &mut |done, all| progress.at(done, all));
            let made = made.with_context(|| format!("partition {partition} has no checkpoint"))?;
            drop(progress);
            checkpoints.prune(&of, &|made| -> Result<bool> { Ok(continues(log.as_ref(), made)?) })?;
            print(line(&made))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A partition's state, up to the end of the log.
pub fn caught_up(dir: &DataDir, log: &dyn Log, partition: u32, shared: &Shared) -> Result<OpenState> {
    let state = dir.open_state(partition, log, shared)?;
    let from = state.store.applied().map_or(0, |applied| applied.next);
    let end = log.bounds(partition)?.high_watermark;
    let mut progress = Progress::new("folding", from, end);
    fold_log(log, Span { partition, from, end }, &mut state.store.writer(), &mut progress)?;
    Ok(state)
}

/// Whose state it is.
pub fn origin_of(state: &OpenState) -> Result<Origin> {
    let meta = meta_of(&state.store)?;
    let (log_id, generation, partition, epoch) = (meta.log_id, meta.generation, meta.partition, meta.epoch);
    Ok(Origin { log_id: log_id.to_string(), generation, partition, epoch })
}

#[derive(Args)]
pub struct Restore {
    #[command(flatten)]
    data: Data,
    /// Only this partition
    #[arg(long)]
    partition: Option<u32>,
    /// This one, as `checkpoint list` names it
    #[arg(long, requires = "partition", value_parser = name)]
    name: Option<Name>,
}

fn name(text: &str) -> Result<Name, String> {
    text.parse().map_err(|error| format!("{text:?} is {error}"))
}

impl Restore {
    fn run(self) -> Result<ExitCode> {
        let dir = self.data.dir()?;
        let log = self.data.log()?;
        let _lock = lock_dir(dir.root())?;
        let partitions = log.partitions();
        if let Some(partition) = self.partition.filter(|partition| *partition >= partitions) {
            return Err(wrong("--partition", format!("there is no partition {partition}: the log has {partitions}")));
        }
        for partition in (0..partitions).filter(|partition| self.partition.is_none_or(|one| one == *partition)) {
            let name = self.restore(&dir, log.as_ref(), partition)?;
            say(format_args!("partition {partition}: the state is that of checkpoint {name}"));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn restore(&self, dir: &DataDir, log: &dyn Log, partition: u32) -> Result<Name> {
        let checkpoints = dir.checkpoints(partition)?;
        let name = match self.name {
            Some(name) => {
                check_state(log, partition, Some(checkpoints.manifest(&name)?.applied()))?;
                name
            }
            None => newest(&checkpoints, log, partition)?,
        };
        let state = dir.state(partition);
        let fresh = state.with_extension("restored");
        remove(&fresh)?;
        let progress = Progress::bytes("putting back");
        checkpoints.restore(&name, &fresh, &mut |done, all| progress.at(done, all))?;
        remove(&state)?;
        fs::rename(&fresh, &state).with_context(|| format!("{} cannot be put in place", fresh.display()))?;
        Ok(name)
    }
}

fn newest(checkpoints: &Checkpoints, log: &dyn Log, partition: u32) -> Result<Name> {
    let fits = |manifest: &Manifest| check_state(log, partition, Some(manifest.applied())).is_ok();
    let newest = checkpoints.newest_good(fits)?;
    for (name, error) in &newest.passed_over {
        say(format_args!("checkpoint {name} is passed over: {error}"));
    }
    let found = newest.found.with_context(|| format!("partition {partition} has no good checkpoint of this log"))?;
    Ok(found.name())
}

fn remove(folder: &std::path::Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}
