//! `export`: every message that took effect, once, for whatever reads NDJSON, CSV or Parquet.
//!
//! ```text
//! log ──► fold, in a scratch state: only the fold knows which requests took effect
//!           └──► message ──► format ──► standard output, a file, or the part files of a folder
//! ```

mod file;
mod folder;
mod format;
mod message;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::domain::fold::Fold;
use duolog::domain::rows::RowsError;
use duolog::domain::verdict::{Answer, Folded, Verdict};
use duolog::log::Log;
use duolog::rebuild::{Decoded, Span, Watch, fold_log};
use duolog::store::{KeepAll, Shared, SharedSizes, Store};
use duolog::telemetry::say;
use duolog_topics::{Account, Event, MessageSent};

use self::file::OneFile;
use self::folder::Folder;
use self::format::Format;
use self::message::Message;
use crate::data::{Data, Progress};
use crate::place::Place;
use crate::print::counted;
use crate::rebuild::put_base;

/// Write the messages that took effect, each once, in the order of the log; repeats and refused ones are left out
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    selection: Selection,
    /// The record to stop before: an offset or a time
    #[arg(long, value_name = "OFFSET|TIME")]
    until: Option<Place>,
    /// Where to: a file; or a folder (one that is there, or a name without an extension), which gets part files, and where
    /// the same command goes on later; absent: standard output
    #[arg(long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// About so many messages in a part file of a folder
    #[arg(long, value_name = "COUNT", default_value_t = 250_000, value_parser = clap::value_parser!(u64).range(1..))]
    part: u64,
}

/// Which messages, and how: a folder holds those of one selection.
#[derive(Args)]
pub struct Selection {
    /// The first record: an offset or a time
    #[arg(long, value_name = "OFFSET|TIME")]
    from: Option<Place>,
    /// Only messages that this account sent or was sent
    #[arg(long)]
    account: Option<Account>,
    /// Only messages between the account and this one
    #[arg(long, requires = "account")]
    peer: Option<Account>,
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
}

/// Takes the messages of a partition after the other, in the order of the log.
trait Output {
    /// The first record of a partition whose messages are wanted, and the state to fold into.
    ///
    /// # Errors
    /// If there is none.
    fn begin(&mut self, partition: u32, wanted: u64, fresh: &dyn Fn(&Path) -> Result<u64>) -> Result<Begin>;

    /// # Errors
    /// If it cannot be written.
    fn add(&mut self, message: &Message<'_>) -> Result<()>;

    /// All messages below an offset were added, and the state holds them.
    ///
    /// # Errors
    /// If it cannot be written.
    fn reached(&mut self, partition: u32, next: u64, end: u64) -> Result<()>;

    /// The last partition is done.
    ///
    /// # Errors
    /// If it cannot be written.
    fn end(&mut self) -> Result<()>;
}

/// Where the fold of a partition begins.
struct Begin {
    store: Store,
    /// The first offset to fold.
    fold_from: u64,
    /// The first offset whose messages are not written yet.
    write_from: u64,
}

impl Export {
    pub fn run(self) -> Result<ExitCode> {
        let log = self.data.log()?;
        let scratch = tempfile::tempdir().context("a folder for the fold cannot be made")?;
        let output = self.output.as_deref().map(file::followed).transpose()?;
        let mut output: Box<dyn Output> = match output.as_deref() {
            Some(path) if is_folder(path) => Box::new(Folder::open(path, &self.selection, self.part)?),
            path => Box::new(OneFile::open(path, self.selection.format, scratch.path())?),
        };
        let mut messages = 0;
        for partition in 0..log.partitions() {
            messages += self.partition(log.as_ref(), partition, output.as_mut())?;
        }
        output.end()?;
        say(counted(messages, "message", "messages"));
        Ok(ExitCode::SUCCESS)
    }

    fn partition(&self, log: &dyn Log, partition: u32, output: &mut dyn Output) -> Result<u64> {
        let dir = self.data.dir()?;
        let bounds = log.bounds(partition)?;
        let place = |place: Place| place.offset(log, partition);
        let wanted = self.selection.from.map_or(Ok(bounds.first), place)?;
        let end = self.until.map_or(Ok(bounds.high_watermark), place)?;
        let fresh = |path: &Path| put_base(&dir, log, partition, path);
        let Begin { store, fold_from, write_from } = output.begin(partition, wanted, &fresh)?;
        duolog::engine::check_state(log, partition, store.applied())
            .context("the folder's state and this log do not belong together; take another folder")?;
        if write_from < fold_from {
            say(format_args!(
                "partition {partition}: messages before offset {fold_from} are left out: the log was trimmed"
            ));
        }
        let mut progress = Progress::new("exporting", fold_from, end);
        let selection = &self.selection;
        let mut lines =
            Lines { partition, write_from, selection, output, progress: &mut progress, failed: None, messages: 0 };
        let span = Span { partition, from: fold_from, end };
        let folded = fold_log(log, span, &mut store.writer(), &mut lines);
        if let Some(error) = lines.failed {
            return Err(error);
        }
        folded?;
        Ok(lines.messages)
    }
}

impl Selection {
    fn wants(&self, from: &Account, message: &MessageSent) -> bool {
        let sent = |one: &Account, other: &Account| one == from && message.receivers.contains(other);
        match (&self.account, &self.peer) {
            (None, _) => true,
            (Some(account), None) => account == from || message.receivers.contains(account),
            (Some(account), Some(peer)) => sent(account, peer) || sent(peer, account),
        }
    }

    /// The same for the same selection: what a folder remembers.
    fn describe(&self) -> String {
        let option =
            |name: &str, value: Option<String>| value.map_or_else(String::new, |value| format!(" --{name} {value}"));
        let account = option("account", self.account.as_ref().map(Account::to_string));
        let peer = option("peer", self.peer.as_ref().map(Account::to_string));
        let from = option("from", self.from.map(|from| from.to_string()));
        format!("--format {}{from}{account}{peer}", self.format.extension())
    }
}

/// A folder that is there, or a name that looks like one.
fn is_folder(path: &Path) -> bool {
    path.is_dir() || !path.exists() && path.extension().is_none()
}

/// A store for a fold, in a folder that holds one or none.
fn open_store(path: &Path) -> Result<Store> {
    Ok(Store::open(path, &Shared::new(SharedSizes::default())?, Arc::new(KeepAll))?)
}

/// Hands the messages of one partition on as the fold passes them.
struct Lines<'a> {
    partition: u32,
    write_from: u64,
    selection: &'a Selection,
    output: &'a mut dyn Output,
    progress: &'a mut Progress,
    failed: Option<anyhow::Error>,
    messages: u64,
}

impl Lines<'_> {
    /// The fold hears that it has to stop; why is kept here.
    fn check(&mut self, result: Result<()>) -> Result<(), RowsError> {
        self.failed = self.failed.take().or(result.err());
        match self.failed {
            Some(_) => Err(RowsError("the output cannot be written".to_owned())),
            None => Ok(()),
        }
    }
}

impl Watch for Lines<'_> {
    fn record(&mut self, record: &Decoded, folded: &Folded, fold: &Fold<'_>) -> Result<(), RowsError> {
        // Of the batch before.
        self.check(Ok(()))?;
        let Event::MessageSent(message) = &record.event else { return Ok(()) };
        let Verdict::Applied(Answer::Sent(sent)) = &folded.verdict else { return Ok(()) };
        if record.offset < self.write_from || !self.selection.wants(&record.envelope.account, message) {
            return Ok(());
        }
        let deliveries = fold.mailbox().message(folded.at)?.map_or_else(Vec::new, |row| row.deliveries);
        let dropped = deliveries.into_iter().filter(|delivery| delivery.code != 0).map(|delivery| delivery.receiver);
        let message = Message::new(self.partition, record, message, sent, dropped.collect());
        let added = message.and_then(|message| self.output.add(&message));
        self.check(added)?;
        self.messages += 1;
        Ok(())
    }

    fn committed(&mut self, partition: u32, next: u64, end: u64) {
        self.progress.committed(partition, next, end);
        if self.failed.is_none() {
            self.failed = self.output.reached(partition, next, end).err();
        }
    }
}
