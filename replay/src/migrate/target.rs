use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use duolog::config::Config;
use duolog::data_dir::DataDir;
use duolog::engine::{Ids, record_of};
use duolog::log::{EmbeddedLog, KafkaLog, Log, ReadLimit, Record};
use duolog::open_log::data_dir;
use duolog::store::Applied;
use duolog::store::checkpoint::Checkpoints;
use duolog_topics::{Account, Authority, Envelope, Event, LogOpened};

use super::To;
use super::split::{Home, New, meta_after};
use crate::data::Progress;
use crate::owner::Old;

/// Where the new states are until they are whole.
const MOVING: &str = "state.moving";
/// Files of a data directory that go with the app.
const FILES: &[&str] = &["app.toml", "app.key", "dead-letters", "records"];

/// The new log, begun, and the new data directory.
pub struct Target {
    dir: DataDir,
    log: Arc<dyn Log>,
    /// The place after the first record of each partition.
    opened: Vec<Applied>,
}

impl Target {
    /// Opens the new log and writes into each partition which log it goes on from; nothing, if that was done before.
    pub fn open(to: &To, config: &Config, old: &Old) -> Result<Self> {
        let dir = data_dir(config)?;
        // What an earlier attempt left.
        remove(&dir.root().join(MOVING))?;
        let partitions = to.partitions.unwrap_or(old.stores.len() as u32);
        let log: Arc<dyn Log> = match to.kafka(partitions) {
            None => Arc::new(EmbeddedLog::open(&dir.log(), partitions)?),
            Some(settings) => Arc::new(KafkaLog::open(settings)?),
        };
        if log.partitions() != partitions {
            let found = log.partitions();
            bail!("the topic has {found} partitions, not {partitions}: take another one, or --partitions {found}");
        }
        let after = meta_after(&old.stores)?;
        let (log_id, generation) = (after.log_id, after.generation);
        let begun = LogOpened { log_id, generation, partitions, format: 1 };
        let opened = (0..partitions).map(|partition| begin(log.as_ref(), partition, &begun, after.time));
        let opened = opened.collect::<Result<_>>()?;
        Ok(Self { dir, log, opened })
    }

    pub fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    pub fn opened(&self) -> &[Applied] {
        &self.opened
    }

    /// Where a state is made.
    pub fn scratch(&self, partition: u32) -> PathBuf {
        self.dir.root().join(MOVING).join(partition.to_string())
    }

    /// Makes a checkpoint of each new state, and puts the states where the server looks for them; durable there once
    /// [`copy_files`] has returned as well.
    pub fn finish(&self, new: New) -> Result<&DataDir> {
        for home in &new.homes {
            let checkpoints = self.dir.checkpoints(home.meta.partition)?;
            clear(&checkpoints, home)?;
            let progress = Progress::bytes("copying");
            checkpoints.make(&home.store, &home.origin(), &mut |done, all| progress.at(done, all))?;
        }
        drop(new);
        let (state, moving) = (self.dir.root().join("state"), self.dir.root().join(MOVING));
        remove(&state)?;
        sync(&moving).with_context(|| format!("{} cannot be made durable", moving.display()))?;
        fs::rename(&moving, &state).with_context(|| format!("{} cannot be put in place", moving.display()))?;
        Ok(&self.dir)
    }
}

/// The first record of a new partition.
fn begin(log: &dyn Log, partition: u32, begun: &LogOpened, time: u64) -> Result<Applied> {
    let bounds = log.bounds(partition)?;
    if bounds.high_watermark == 0 {
        let account = Account::new("@duolog").context("the system's account")?;
        let id = Ids::from_system().event_id(time);
        let envelope = Envelope { id, time, account, authority: Authority::Epoch(0) };
        log.append(partition, vec![record_of(&envelope, &begun.clone().into())])?;
    }
    let first = log.read(partition, 0, ReadLimit { records: 2, bytes: usize::MAX });
    match first.unwrap_or_default().as_slice() {
        [only] if opens(&only.record, begun) => Ok(Applied { next: 1, checksum: only.record.checksum() }),
        _ => bail!(
            "partition {partition} of the new log holds records already, and it has to be empty: take another --to, or \
             --to-topic-prefix"
        ),
    }
}

/// Whether an earlier attempt at the same move wrote this.
fn opens(record: &Record, begun: &LogOpened) -> bool {
    let decoded = Envelope::decode(&record.key, record.time, &record.header, &record.payload);
    matches!(decoded, Ok((_, Event::LogOpened(found))) if found == *begun)
}

/// Takes away what an earlier attempt left, so that it is no base of the new log; what is another log's is not touched.
fn clear(checkpoints: &Checkpoints, home: &Home) -> Result<()> {
    let origin = home.origin();
    for name in checkpoints.list()? {
        let same = |log_id: &str, generation| log_id == origin.log_id && generation == origin.generation;
        match checkpoints.manifest(&name) {
            Ok(manifest) if !same(&manifest.origin.log_id, manifest.origin.generation) => bail!(
                "the place of the new checkpoints holds those of another log, such as {name}: take another --to-checkpoints"
            ),
            Err(error) if !error.is_damage() => return Err(error.into()),
            _ => checkpoints.remove(&name)?,
        }
    }
    Ok(())
}

/// Copies what goes with the app beside log and state; what is there stays. What the new directory holds is durable after
/// this, so that the old one may be given up.
pub fn copy_files(from: &Path, root: &Path) -> Result<()> {
    for name in FILES {
        let (from, to) = (from.join(name), root.join(name));
        if from.exists() && !to.exists() {
            let unfinished = to.with_extension("moving");
            remove(&unfinished)?;
            let copied = copy(&from, &unfinished).and_then(|()| sync(&unfinished));
            let copied = copied.and_then(|()| fs::rename(&unfinished, &to));
            copied.with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
        }
    }
    sync_names(root).with_context(|| format!("{} cannot be made durable", root.display()))
}

/// Makes the names in a folder durable, and its own.
fn sync_names(folder: &Path) -> std::io::Result<()> {
    let folder = folder.canonicalize()?;
    fs::File::open(&folder)?.sync_all()?;
    // Whoever may not look into the folder above has not made this one.
    match folder.parent().map(fs::File::open) {
        Some(Ok(above)) => above.sync_all(),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        // With its permissions: the key is its owner's alone.
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Makes a file durable, or a folder with everything in it.
fn sync(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync(&entry?.path())?;
        }
    }
    fs::File::open(path)?.sync_all()
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}
