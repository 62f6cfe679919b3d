use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use duolog::domain::fold::Fold;
use duolog::domain::rows::RowsError;
use duolog::domain::verdict::{Answer, Folded, Sent, Verdict};
use duolog::rebuild::{Decoded, Span, StoreTarget, Watch, fold_log};
use duolog::store::{KeepAll, Shared, SharedSizes, Store};
use duolog_topics::{Account, Event, MessageSent, rfc3339};
use serde_json::{Value, json};

use crate::data::{Data, Progress};
use crate::place::Place;
use crate::rebuild::put_base;

/// Write the messages that took effect, each once, in the order of the log; repeats and refused ones are left out
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    data: Data,
    /// The first record: an offset or a time
    #[arg(long, value_name = "OFFSET|TIME")]
    from: Option<Place>,
    /// The record to stop before: an offset or a time
    #[arg(long, value_name = "OFFSET|TIME")]
    until: Option<Place>,
    /// Only messages that this account sent or was sent
    #[arg(long)]
    account: Option<Account>,
    /// Only messages between the account and this one
    #[arg(long, requires = "account")]
    peer: Option<Account>,
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    /// Where to: a file, or a folder that gets `messages.ndjson`; absent: standard output
    #[arg(long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A message a line, as JSON
    Ndjson,
}

impl Export {
    /// Folds the log up to the end of the range: only the fold knows which requests took effect.
    pub fn run(self) -> Result<ExitCode> {
        let (dir, log) = (self.data.dir(), self.data.log()?);
        let scratch = tempfile::tempdir().context("a folder for the fold cannot be made")?;
        let mut out = open(self.output.as_deref(), self.format)?;
        let mut messages = 0;
        for partition in 0..log.partitions() {
            let bounds = log.bounds(partition)?;
            let place = |place: Place| place.offset(log.as_ref(), partition);
            let begin = self.from.map_or(Ok(bounds.first), place)?;
            let end = self.until.map_or(Ok(bounds.high_watermark), place)?;
            let path = scratch.path().join(partition.to_string());
            let from = put_base(&dir, log.as_ref(), partition, &path)?;
            if begin < from {
                eprintln!("partition {partition}: messages before offset {from} are left out: the log was trimmed");
            }
            let store = Store::open(&path, &Shared::new(SharedSizes::default())?, Arc::new(KeepAll))?;
            let mut progress = Progress::new("exporting", from, end);
            let mut lines = Lines {
                partition,
                begin,
                wanted: &self,
                out: &mut out,
                progress: &mut progress,
                failed: None,
                messages: 0,
            };
            let folded =
                fold_log(log.as_ref(), Span { partition, from, end }, &mut StoreTarget::new(store), &mut lines);
            if let Some(error) = lines.failed {
                return Err(error.into());
            }
            messages += lines.messages;
            folded?;
        }
        out.flush()?;
        eprintln!("{messages} messages");
        Ok(ExitCode::SUCCESS)
    }

    fn wants(&self, from: &Account, message: &MessageSent) -> bool {
        let sent = |one: &Account, other: &Account| one == from && message.receivers.contains(other);
        match (&self.account, &self.peer) {
            (None, _) => true,
            (Some(account), None) => account == from || message.receivers.contains(account),
            (Some(account), Some(peer)) => sent(account, peer) || sent(peer, account),
        }
    }
}

fn open(output: Option<&Path>, format: Format) -> Result<Box<dyn Write>> {
    let Some(output) = output else { return Ok(Box::new(BufWriter::new(std::io::stdout()))) };
    let name = match format {
        Format::Ndjson => "messages.ndjson",
    };
    let path = if output.is_dir() { output.join(name) } else { output.to_owned() };
    let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// Writes the messages of one partition as the fold passes them.
struct Lines<'a> {
    partition: u32,
    begin: u64,
    wanted: &'a Export,
    out: &'a mut dyn Write,
    progress: &'a mut Progress,
    failed: Option<std::io::Error>,
    messages: u64,
}

impl Watch for Lines<'_> {
    fn record(&mut self, record: &Decoded, folded: &Folded, fold: &Fold<'_>) -> Result<(), RowsError> {
        let Event::MessageSent(message) = &record.event else { return Ok(()) };
        let Verdict::Applied(Answer::Sent(sent)) = &folded.verdict else { return Ok(()) };
        if record.offset < self.begin || !self.wanted.wants(&record.envelope.account, message) {
            return Ok(());
        }
        let deliveries = fold.mailbox().message(folded.at)?.map_or_else(Vec::new, |row| row.deliveries);
        let dropped = deliveries.into_iter().filter(|delivery| delivery.code != 0).map(|delivery| delivery.receiver);
        let line = line(self.partition, record, message, sent, dropped.collect());
        if let Err(error) = writeln!(self.out, "{line}") {
            self.failed = Some(error);
            return Err(RowsError("the output cannot be written".to_owned()));
        }
        self.messages += 1;
        Ok(())
    }

    fn committed(&mut self, partition: u32, next: u64, end: u64) {
        self.progress.committed(partition, next, end);
    }
}

/// `not_delivered`: receivers of the sender's home that did not get it, because they block him or do not exist.
fn line(partition: u32, record: &Decoded, message: &MessageSent, sent: &Sent, not_delivered: Vec<Account>) -> Value {
    let content = &message.content;
    let body = content.body.decode::<Value>().unwrap_or_else(|_| content.body.as_str().into());
    json!({
        "partition": partition,
        "offset": record.offset,
        "id": record.envelope.public_id(),
        "from": record.envelope.account,
        "to": message.receivers,
        "not_delivered": not_delivered,
        "time": rfc3339(sent.time),
        "time_ms": sent.time,
        "key": sent.key.to_string(),
        "body": body,
        "custom": content.custom,
        "origin": content.origin,
        "flags": content.flags,
    })
}
