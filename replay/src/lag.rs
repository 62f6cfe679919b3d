use std::collections::HashMap;
use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use duolog::consumers::{dead_letters, is_progress};
use duolog::domain::rows::ConsumerRow;
use duolog::engine::consumers;
use duolog::log::{Log, ReadLimit};
use duolog::rebuild::caught_up;
use duolog_topics::{EventKind, Header, rfc3339};
use serde_json::{Value, json};

use crate::data::Data;

const LIMIT: ReadLimit = ReadLimit { records: 4_096, bytes: 8 << 20 };

/// Print how far each consumer of the log has come, a line of JSON each; beside a running server: as it has recorded
#[derive(Args)]
pub struct Lag {
    #[command(flatten)]
    data: Data,
}

impl Lag {
    pub fn run(self) -> Result<ExitCode> {
        let (log, letters) = (self.data.log()?, self.letters()?);
        let mut out = BufWriter::new(std::io::stdout().lock());
        for partition in self.data.partitions(log.as_ref())? {
            let flushed = self.data.flushed(partition)?;
            let end = log.bounds(partition)?.high_watermark;
            let rows = caught_up(log.as_ref(), partition, &flushed, end)?;
            for (name, row) in consumers(&rows)? {
                let mut line = line(log.as_ref(), partition, end, &name, &row)?;
                line["dead_letters"] = letters.get(&(partition, name)).copied().unwrap_or(0).into();
                writeln!(out, "{line}")?;
            }
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    /// How much each consumer gave up of each partition's records.
    fn letters(&self) -> Result<HashMap<(u32, String), u64>> {
        let mut letters = HashMap::new();
        if let Some(log) = self.data.dead_letters()? {
            dead_letters::read(log.as_ref(), 0, |_, letter| {
                *letters.entry((letter.partition, letter.consumer)).or_default() += 1;
                Ok::<_, anyhow::Error>(())
            })?;
        }
        Ok(letters)
    }
}

/// `behind`: records from the position on that say more than how far others are, and those that are still tried.
fn line(log: &dyn Log, partition: u32, end: u64, name: &str, row: &ConsumerRow) -> Result<Value> {
    let Some(position) = row.position else {
        return Ok(json!({ "partition": partition, "consumer": name, "off": true }));
    };
    let first = log.bounds(partition)?.first;
    let (mut next, mut behind, mut since) = (position.max(first), row.waiting.len() as u64, None);
    if let Some(waiting) = row.waiting.first().filter(|waiting| **waiting >= first) {
        let records = log.read(partition, *waiting, ReadLimit { records: 1, bytes: 0 })?;
        since = records.first().map(|stored| stored.record.time);
    }
    while next < end {
        let records = log.read(partition, next, LIMIT)?;
        let Some(last) = records.last() else { break };
        next = last.offset + 1;
        for stored in records.iter().filter(|stored| stored.offset < end) {
            let kind = Header::decode(&stored.record.header).ok().and_then(|header| EventKind::from_name(header.kind));
            if kind.is_none_or(|kind| !is_progress(kind)) {
                behind += 1;
                since = since.or(Some(stored.record.time));
            }
        }
    }
    Ok(json!({
        "partition": partition,
        "consumer": name,
        "position": position,
        "watermark": end,
        "behind": behind,
        "waiting": row.waiting,
        "since": since.map(rfc3339),
        "lost": first.saturating_sub(row.needs_from().unwrap_or(first)),
    }))
}
