//! Record files: an hour's messages are written once the hour is closed.
//!
//! ```text
//!  partition 0   a a b │ c c ·        hour of a message: of its record time
//!  partition 1   a b b │ c ·          ·  closed up to here: partition time, of the slowest partition
//!                └──┬──┘
//!                merged by record time, partition, offset ──► YYYYMMDDHH.gz, then the index with the new position
//! ```
//!
//! **What is in it.** Every message that took effect in that hour, as it was sent, a line for each receiver that the
//! sender was told had got it. So a message that a blacklist dropped in silence is there: its sender has it in his
//! history, and whether the receiver's home dropped it is not known in the sender's. One that was recalled or changed
//! later is there as it was first. Repeats, refusals and online-only messages are not. An imported message is in the
//! hour of its import, with its own time. An hour without messages has no file.
//!
//! **The same bytes.** A file depends on the log and the verdicts alone, so a folder that was deleted is written again,
//! equal, as far back as log and rows reach.
//!
//! **Many nodes.** Each node writes all files, those of partitions that it does not own from the log and their owners' rows.
//! So every node hands out the same bytes, and one that is new or was away writes what it has missed
//! ([ADR 33](../../../docs/adr/0033-every-node-writes-all-record-files.md)).

mod source;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duolog_topics::{ConsumerAdvance, LogId, Millis};
use thiserror::Error;
use tokio::sync::watch;

use self::source::{Message, Source};
use crate::domain::rows::{ConsumerRow, DAY, MetaRow, RowsError};
use crate::engine::{Engine, EngineError, Tap, consumers};
use crate::log::{Log, LogError, ReadLimit, first_at};
use crate::records::{Folder, FolderError, Hour, HourFile, Identity, Index, Position, RecordedMessage, UtcOffset};

/// The writer's name in the log's positions.
pub const NAME: &str = "records";
/// The log learns of a position at least when it trails by so many records.
const FAR_BEHIND: u64 = 10_000;
/// How often the writer looks whether an hour has closed.
const LOOK: Duration = Duration::from_secs(5);

/// Why no file was written; the next round tries again.
#[derive(Debug, Error)]
pub enum RecordsError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Rows(#[from] RowsError),
    #[error("record at offset {offset} cannot be read: {source}")]
    Decode { offset: u64, source: duolog_topics::DecodeError },
    #[error("a record file cannot be written: {0}")]
    Write(#[from] io::Error),
    #[error("a partition's owner does not answer: {0}")]
    Engine(#[from] EngineError),
    #[error("the server stops")]
    Stopped,
}

/// What the configuration says.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub sdkappid: u64,
    /// How long a file is kept after its hour.
    pub retention: Millis,
    pub utc_offset: UtcOffset,
}

/// Writes the files of closed hours, and takes away those that are too old.
pub struct Writer {
    engine: Engine,
    log: Arc<dyn Log>,
    folder: Folder,
    settings: Settings,
    stopping: AtomicBool,
}

/// Waits until the writer is told to stop, or nobody is left to tell it.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Writer {
    /// # Errors
    /// [`FolderError::Foreign`]: the folder is another log's, or its names mean other hours.
    pub fn new(engine: Engine, log: Arc<dyn Log>, folder: Folder, settings: Settings) -> Result<Self, RecordsError> {
        let writer = Self { engine, log, folder, settings, stopping: false.into() };
        // A node that owns nothing yet does not know which log it is.
        if !writer.engine.log_id().is_nil() {
            writer.index(&writer.engine.log_id())?;
        }
        Ok(writer)
    }

    /// Runs until it is told to stop, and returns when a round that is under way has ended: in the middle of a file, for that
    /// may take a while. The work is done on the blocking pool.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let writer = Arc::new(self);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut said = String::new();
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = told(&mut stop) => return,
            }
            let at_work = writer.clone();
            let mut round = tokio::task::spawn_blocking(move || {
                let written = at_work.round()?;
                at_work.unrecorded(!written.is_empty())
            });
            let done = tokio::select! {
                done = &mut round => done,
                () = told(&mut stop) => {
                    writer.stopping.store(true, Ordering::Relaxed);
                    let _ = round.await;
                    return;
                }
            };
            let problem = match done {
                Ok(Ok(positions)) => match record(positions).await {
                    Ok(()) => String::new(),
                    Err(error) => error.to_string(),
                },
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            // The same one comes every few seconds.
            if !problem.is_empty() && problem != said {
                tracing::warn!("no record file this time: {problem}");
            }
            said = problem;
        }
    }

    /// Writes every closed hour that has no file yet, and removes files that are too old. Cost: reading the records of
    /// those hours and their rows once; nothing but a look at the folder if no hour has closed.
    ///
    /// # Errors
    /// [`RecordsError`]; what was written before stays, and counts.
    pub fn round(&self) -> Result<Vec<Hour>, RecordsError> {
        let homes = self.homes()?;
        let Some(log_id) = homes.first().map(|home| home.meta.log_id) else { return Ok(Vec::new()) };
        let saved = self.index(&log_id)?;
        self.remove_old()?;
        let mut index = self.positioned(saved.clone(), &homes)?;
        if saved.is_some_and(|saved| saved != index) {
            self.folder.save(&index)?;
        }
        let mut written = Vec::new();
        let closed = homes.iter().map(|home| home.meta.time).min().unwrap_or(0);
        let closed = Hour::of(closed, self.settings.utc_offset);
        if index.position.hour < closed {
            let mut sources = self.sources(&homes, &index.position);
            while let Some(hour) = earliest(&mut sources, index.position.hour)?.filter(|hour| *hour < closed) {
                let entry =
                    self.folder.write(hour, self.settings.sdkappid, |file| self.merge(file, &mut sources, hour))?;
                tracing::info!(messages = entry.messages, bytes = entry.gzip_size, "record file {hour}.gz is written");
                index.hours.insert(hour, entry);
                self.advance(&mut index, hour.next(), &sources)?;
                written.push(hour);
            }
            self.advance(&mut index, closed, &sources)?;
        }
        Ok(written)
    }

    /// How far the files have come, where the log has to be told: it is trimmed, and rows leave the disk, only behind them.
    /// Not at every hour that closes: a system in which nothing happens stays still.
    ///
    /// # Errors
    /// [`RecordsError`].
    fn unrecorded(&self, written: bool) -> Result<Vec<(Tap, u64)>, RecordsError> {
        let Some(index) = self.folder.index()? else { return Ok(Vec::new()) };
        let mut unrecorded = Vec::new();
        for tap in self.engine.taps() {
            let Some(&offset) = index.position.offsets.get(tap.partition() as usize) else { continue };
            let recorded = recorded(tap.consumers()?);
            let trails = recorded.is_none_or(|recorded| offset < recorded || offset >= recorded + FAR_BEHIND);
            if recorded != Some(offset) && (written || trails) {
                unrecorded.push((tap, offset));
            }
        }
        Ok(unrecorded)
    }

    fn homes(&self) -> Result<Vec<Home>, RecordsError> {
        let home = |partition| {
            let (meta, end) = self.engine.look(partition, |mailbox, end| Ok((mailbox.meta.clone(), end)))?;
            Ok(Home { partition, meta, end, engine: self.engine.clone() })
        };
        (0..self.log.partitions()).map(home).collect()
    }

    /// The folder's index, if it is ours.
    fn index(&self, log_id: &LogId) -> Result<Option<Index>, RecordsError> {
        let (found, wanted) = (self.folder.index()?, self.identity(log_id));
        if let Some(Index { identity, .. }) = found.as_ref().filter(|index| index.identity != wanted) {
            let path = self.folder.path().to_owned();
            return Err(FolderError::Foreign { path, found: identity.clone(), wanted }.into());
        }
        Ok(found)
    }

    fn identity(&self, log_id: &LogId) -> Identity {
        Identity { log_id: log_id.to_string(), utc_offset: self.settings.utc_offset }
    }

    /// The first hour whose file is kept.
    fn kept_from(&self) -> Hour {
        Hour::of(self.engine.now().saturating_sub(self.settings.retention), self.settings.utc_offset)
    }

    fn is_old(&self, hour: Hour) -> bool {
        hour.end(self.settings.utc_offset) + self.settings.retention <= self.engine.now()
    }

    fn remove_old(&self) -> Result<(), RecordsError> {
        let mut hours = self.folder.hours()?;
        hours.retain(|hour| self.is_old(*hour));
        Ok(hours.into_iter().try_for_each(|hour| self.folder.remove(hour))?)
    }

    /// The index of the files that are there, with a position that holds in this log. Where it has none, or a file that is
    /// kept is gone, the log is read again from as far back as it is whole: once, even where that is not as far as the file.
    fn positioned(&self, index: Option<Index>, homes: &[Home]) -> Result<Index, RecordsError> {
        let generation = homes.first().map_or(0, |home| home.meta.generation);
        let (hours, begun) = match index {
            Some(Index { mut hours, position, .. }) => {
                hours.retain(|hour, _| !self.is_old(*hour));
                let kept = hours.len();
                hours.retain(|hour, _| self.folder.file(*hour).exists());
                let begun = Some(position).filter(|_| hours.len() == kept);
                (hours, begun)
            }
            None => Default::default(),
        };
        let kept_from = self.kept_from();
        let position = match begun {
            Some(position) if position.generation == generation && position.hour >= kept_from => {
                self.still_there(position, homes)?
            }
            // The log was moved: what is written is written.
            Some(position) => self.position_at(position.hour.max(kept_from), generation)?,
            None => {
                let mut hour = kept_from;
                for home in homes {
                    hour = hour.max(self.whole_from(home)?);
                }
                self.position_at(hour, generation)?
            }
        };
        let identity = self.identity(&homes.first().map_or_else(LogId::nil, |home| home.meta.log_id));
        Ok(Index { identity, position, hours })
    }

    /// The position, or a later one if the log or the rows do not go back to it. They are kept for what their owner's
    /// files still need; a node that was away for long does not count.
    fn still_there(&self, position: Position, homes: &[Home]) -> Result<Position, RecordsError> {
        let mut hour = position.hour;
        for (home, offset) in homes.iter().zip(&position.offsets) {
            let rows_until = home.meta.horizons.timeline.checked_sub(DAY);
            let is_old = rows_until.is_some_and(|time| Hour::of(time, self.settings.utc_offset) >= position.hour);
            let is_trimmed = *offset < self.log.bounds(home.partition)?.first;
            if is_trimmed || is_old && home.held_from()?.is_none_or(|held| *offset < held) {
                hour = hour.max(self.whole_from(home)?);
            }
        }
        if hour == position.hour {
            return Ok(position);
        }
        tracing::error!("there are no record files from {} until {hour}: log and rows are gone", position.hour);
        self.position_at(hour, position.generation)
    }

    /// The first hour of which a partition's log and rows still hold all messages.
    fn whole_from(&self, home: &Home) -> Result<Hour, RecordsError> {
        let offset = self.settings.utc_offset;
        let first = self.log.bounds(home.partition)?.first;
        let trimmed = if first == 0 {
            None
        } else {
            let read = self.log.read(home.partition, first, ReadLimit { records: 1, bytes: 0 })?;
            read.first().map(|stored| stored.record.time)
        };
        // Rows below this may have left the disk.
        let gone = home.meta.horizons.timeline.checked_sub(DAY);
        Ok(trimmed.max(gone).map_or(Hour::FIRST, |time| Hour::of(time, offset).next()))
    }

    fn position_at(&self, hour: Hour, generation: u32) -> Result<Position, RecordsError> {
        let start = hour.start(self.settings.utc_offset);
        let partitions = 0..self.log.partitions();
        let offsets = partitions.map(|partition| first_at(self.log.as_ref(), partition, start));
        Ok(Position { hour, generation, offsets: offsets.collect::<Result<_, _>>()? })
    }

    fn sources<'h>(&'h self, homes: &'h [Home], position: &Position) -> Vec<Source<'h>> {
        let begin =
            |(home, next): (&'h Home, &u64)| Source::new(self.log.as_ref(), home, *next, self.settings.utc_offset);
        homes.iter().zip(&position.offsets).map(begin).collect()
    }

    /// Takes the messages of an hour from all sources, in the order of their record times.
    fn merge(
        &self,
        file: &mut HourFile<BufWriter<File>>,
        sources: &mut [Source<'_>],
        hour: Hour,
    ) -> Result<(), RecordsError> {
        loop {
            if self.stopping.load(Ordering::Relaxed) {
                return Err(RecordsError::Stopped);
            }
            let mut next: Option<(Millis, usize)> = None;
            for (place, source) in sources.iter_mut().enumerate() {
                let head = source.head()?.filter(|message| message.hour <= hour).map(|message| (message.time, place));
                next = next.into_iter().chain(head).min();
            }
            let Some(message) = next.and_then(|(_, place)| sources[place].take()) else { return Ok(()) };
            add(file, &message)?;
        }
    }

    fn advance(&self, index: &mut Index, hour: Hour, sources: &[Source<'_>]) -> Result<(), RecordsError> {
        index.position.hour = hour;
        index.position.offsets = sources.iter().map(Source::next_offset).collect();
        Ok(self.folder.save(index)?)
    }
}

/// Tells the log how far the files have come.
///
/// # Errors
/// [`RecordsError`]; the next round that writes a file says the same and more.
async fn record(positions: Vec<(Tap, u64)>) -> Result<(), RecordsError> {
    for (tap, offset) in positions {
        let advance = ConsumerAdvance { consumer: NAME.to_owned(), position: Some(offset), waiting: Vec::new() };
        tap.advance(vec![advance]).await?;
    }
    Ok(())
}

/// The position that a partition has recorded.
fn recorded(consumers: Vec<(String, ConsumerRow)>) -> Option<u64> {
    consumers.into_iter().find(|(name, _)| name == NAME).and_then(|(_, row)| row.position)
}

/// A partition as its owner had it at one moment.
struct Home {
    partition: u32,
    meta: MetaRow,
    /// The first offset that is not folded.
    end: u64,
    engine: Engine,
}

impl Home {
    /// From where on rows are kept for record files, whatever their age.
    fn held_from(&self) -> Result<Option<u64>, RecordsError> {
        Ok(recorded(self.engine.look(self.partition, |mailbox, _| consumers(mailbox.rows))?))
    }
}

/// The hour of the next message of all.
fn earliest(sources: &mut [Source<'_>], floor: Hour) -> Result<Option<Hour>, RecordsError> {
    let mut earliest = None;
    for source in sources {
        let hour = source.head()?.map(|message| message.hour.max(floor));
        earliest = earliest.into_iter().chain(hour).min();
    }
    Ok(earliest)
}

fn add(file: &mut HourFile<BufWriter<File>>, message: &Message) -> Result<(), RecordsError> {
    let content = &message.sent.content;
    for to in &message.receivers {
        file.add(&RecordedMessage {
            from: &message.from,
            to,
            time: message.message_time,
            msg_seq: content.msg_seq,
            random: content.random,
            body: &content.body,
            custom: content.custom.as_deref(),
        })?;
    }
    Ok(())
}
