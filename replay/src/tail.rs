use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::engine::{is_foreign, or_undecodable};
use duolog::log::{Log, ReadLimit, Stored};
use duolog_topics::{Account, Authority, DecodeError, Envelope, Event, EventKind, rfc3339};
use serde_json::{Value, json};

use crate::data::Data;
use crate::place::Place;

const LIMIT: ReadLimit = ReadLimit { records: 1_024, bytes: 4 << 20 };
const LOOK: Duration = Duration::from_millis(200);

/// Print the log's records, a line of JSON each
#[derive(Args)]
pub struct Tail {
    #[command(flatten)]
    data: Data,
    /// The first record: an offset or a time; with --follow also one that the log has not reached yet
    #[arg(long, value_name = "OFFSET|TIME")]
    from: Option<Place>,
    /// The record to stop before: an offset or a time
    #[arg(long, value_name = "OFFSET|TIME")]
    until: Option<Place>,
    /// Go on with what is appended
    #[arg(long, conflicts_with = "until")]
    follow: bool,
    /// Only records that name this account
    #[arg(long)]
    account: Option<Account>,
    /// Only records that name this account too
    #[arg(long)]
    peer: Option<Account>,
    /// Only records of this kind, such as message.sent
    #[arg(long, value_parser = kind)]
    kind: Option<EventKind>,
}

fn kind(name: &str) -> Result<EventKind, String> {
    let known = || EventKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    EventKind::from_name(name).ok_or_else(|| format!("there is no kind {name:?}; there are {}", known()))
}

impl Tail {
    pub fn run(self) -> Result<ExitCode> {
        let log = self.data.log()?;
        let mut places = Vec::new();
        for partition in 0..log.partitions() {
            let bounds = log.bounds(partition)?;
            let from = self.from.map_or(Ok(bounds.first), |place| place.offset(log.as_ref(), partition))?;
            let until = self.until.map_or(Ok(bounds.high_watermark), |place| place.offset(log.as_ref(), partition))?;
            places.push((from, until));
        }
        loop {
            let mut moved = false;
            for (partition, (next, until)) in (0..).zip(&mut places) {
                moved |= self.print(log.as_ref(), partition, next, *until)?;
            }
            if !moved && !self.follow {
                return Ok(ExitCode::SUCCESS);
            }
            if !moved {
                // With several partitions one look has to serve all of them.
                log.wait(0, places[0].0, LOOK)?;
                for (partition, (_, until)) in (0..).zip(&mut places) {
                    *until = log.wait(partition, u64::MAX, Duration::ZERO)?;
                }
            }
        }
    }

    /// Prints one read's worth of records; whether there was one.
    fn print(&self, log: &dyn Log, partition: u32, next: &mut u64, until: u64) -> Result<bool> {
        let records = log.read(partition, *next, LIMIT)?;
        let mut out = std::io::stdout().lock();
        let mut moved = false;
        for stored in records.iter().take_while(|stored| stored.offset < until) {
            *next = stored.offset + 1;
            moved = true;
            if self.is_early(stored) {
                continue;
            }
            if is_foreign(&stored.record) {
                // Another program's: nothing can be said of it, and no fold obeys it.
                if self.account.is_none() && self.peer.is_none() && self.kind.is_none() {
                    writeln!(out, "{}", json!({"partition": partition, "offset": stored.offset, "foreign": true}))?;
                }
                continue;
            }
            let place = || format!("partition {partition}, offset {}", stored.offset);
            let (envelope, event) = match or_undecodable(decode(stored)).with_context(place)? {
                Ok(decoded) => decoded,
                Err(why) => {
                    // Every fold passes it over.
                    if self.account.is_none() && self.peer.is_none() && self.kind.is_none() {
                        let why = why.to_string();
                        let line = json!({"partition": partition, "offset": stored.offset, "undecodable": why});
                        writeln!(out, "{line}")?;
                    }
                    continue;
                }
            };
            if self.wants(&envelope, &event) {
                writeln!(out, "{}", line(partition, stored.offset, &envelope, &event))?;
            }
        }
        out.flush()?;
        Ok(moved)
    }

    /// Whether a record lies before `--from`, which may be a place that the log has not reached yet. When another program's
    /// record was written nobody knows.
    fn is_early(&self, stored: &Stored) -> bool {
        match self.from {
            Some(Place::Offset(offset)) => stored.offset < offset,
            Some(Place::Time(time)) => stored.record.time < time && !is_foreign(&stored.record),
            None => false,
        }
    }

    fn wants(&self, envelope: &Envelope, event: &Event) -> bool {
        let names = |wanted: &Option<Account>| {
            wanted.as_ref().is_none_or(|account| envelope.account == *account || mentions(&event.to_json(), account))
        };
        self.kind.is_none_or(|kind| kind == event.kind()) && names(&self.account) && names(&self.peer)
    }
}

fn decode(stored: &Stored) -> Result<(Envelope, Event), DecodeError> {
    let record = &stored.record;
    Envelope::decode(&record.key, record.time, &record.header, &record.payload)
}

/// Whether a text somewhere in an event is the account's name.
fn mentions(value: &Value, account: &Account) -> bool {
    match value {
        Value::String(text) => text == account.as_str(),
        Value::Array(items) => items.iter().any(|item| mentions(item, account)),
        Value::Object(members) => members.values().any(|item| mentions(item, account)),
        _ => false,
    }
}

fn line(partition: u32, offset: u64, envelope: &Envelope, event: &Event) -> Value {
    let mut line = json!({
        "partition": partition,
        "offset": offset,
        "time": rfc3339(envelope.time),
        "kind": event.kind().name(),
        "id": envelope.public_id(),
        "account": envelope.account,
        "event": event.to_json(),
    });
    match envelope.authority {
        Authority::Epoch(epoch) => line["epoch"] = epoch.into(),
        Authority::Stamp(stamp) => {
            line["carried"] = json!({"partition": stamp.partition, "number": stamp.number});
        }
    }
    line
}
