//! What this machine can do without duolog.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use duolog::log::Record;
use hdrhistogram::Histogram;

use crate::spread::Spread;
use crate::{history, load, raw, scratch};

/// Bytes of one append: a message's record.
const APPEND: usize = 400;
const MILLISECOND: Duration = Duration::from_millis(1);
const APPENDS: usize = 20_000;
const BATCH: usize = 256;
const BATCHES: usize = 400;
/// The pace of the appends each millisecond, in records a second, and how many seconds are measured.
const PACE: f64 = 50_000.0;
const PACED: usize = 4;
/// Rows that a message makes in the loop that stands for a projection.
const ROWS: usize = 5;

/// The limits that figures are measured against.
#[derive(Clone, Debug)]
pub struct Machine {
    cores: usize,
    pub sync_p50: Duration,
    pub sync_p99: Duration,
    /// Milliseconds of an append each millisecond, p99 of the best second.
    paced_p99: f64,
    synced_records: f64,
    unlogged_messages: f64,
}

/// Takes about fifteen seconds.
pub fn measure() -> Result<Machine> {
    // First: the disk goes on with what is written next for some seconds.
    let paced = (0..PACED).map(|_| paced_p99(PACE, 1.0)).collect::<Result<_>>()?;
    let syncs = syncs()?;
    let quantile = |part| Duration::from_nanos(syncs.value_at_quantile(part));
    Ok(Machine {
        cores: std::thread::available_parallelism()?.get(),
        sync_p50: quantile(0.5),
        sync_p99: quantile(0.99),
        paced_p99: Spread::new(paced).lowest(),
        synced_records: synced_records()?,
        unlogged_messages: unlogged_messages()?,
    })
}

/// Nanoseconds of an append to a file with `fdatasync`.
fn syncs() -> Result<Histogram<u64>> {
    let folder = scratch()?;
    let mut file = File::create(folder.path().join("appended"))?;
    let mut times = load::times();
    for _ in 0..APPENDS {
        let start = Instant::now();
        file.write_all(&[7; APPEND])?;
        file.sync_data()?;
        times.saturating_record(start.elapsed().as_nanos() as u64);
    }
    Ok(times)
}

/// Nanoseconds of an append with `fdatasync` at a load's own pace: the records of each millisecond in one append, counted from
/// when it was due. A loop that appends one after the other counts a disk that stands still for a tenth of a second as one
/// slow append of thousands; to a load of this rate it is a tenth of a second.
///
/// Gives the p99 in milliseconds.
///
/// # Errors
/// If the disk fails.
pub fn paced_p99(rate: f64, seconds: f64) -> Result<f64> {
    let folder = scratch()?;
    let mut file = File::create(folder.path().join("appended"))?;
    let append = vec![7; APPEND * (rate / 1e3).ceil() as usize];
    let mut times = load::times();
    let start = Instant::now();
    for number in 0..(seconds * 1e3) as u32 {
        let due = start + number * MILLISECOND;
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(early);
        }
        file.write_all(&append)?;
        file.sync_data()?;
        times.saturating_record(due.elapsed().as_nanos() as u64);
    }
    Ok(times.value_at_quantile(0.99) as f64 / 1e6)
}

impl Machine {
    /// What an ack at a load's pace is measured against: the best of these rounds, and of those before duolog was started. That
    /// the disk stands still by itself, or because of what was written just before, makes no ack faster.
    pub fn paced_limit(&self, rounds: &Spread) -> f64 {
        self.paced_p99.min(rounds.lowest())
    }
}

/// Records in batches of 256, each batch synced.
fn synced_records() -> Result<f64> {
    let folder = scratch()?;
    let db = raw::open(folder.path())?;
    let payload: Bytes = (0..APPEND as u32).map(|place| (place * 37) as u8).collect();
    let record = Record { key: Bytes::new(), time: 0, header: Bytes::new(), payload };
    let records = vec![record; BATCH];
    let start = Instant::now();
    for batch in 0..BATCHES {
        raw::append(&db, (batch * BATCH) as u64, &records)?;
    }
    Ok((BATCHES * BATCH) as f64 / start.elapsed().as_secs_f64())
}

/// Messages of five small rows each, in batches of 256 without a WAL, keys in no order.
fn unlogged_messages() -> Result<f64> {
    let folder = scratch()?;
    let db = raw::open(folder.path())?;
    let batches: Vec<raw::Rows> = (0..BATCHES).map(rows_of).collect();
    let start = Instant::now();
    for (place, changes) in (0..).zip(&batches) {
        raw::commit(&db, place, changes)?;
    }
    Ok((BATCHES * BATCH) as f64 / start.elapsed().as_secs_f64())
}

fn rows_of(batch: usize) -> raw::Rows {
    let row = |number: usize| {
        let (account, _) = history::message((batch * BATCH * ROWS + number) as u64);
        let key = [account.as_bytes(), &number.to_be_bytes()].concat();
        (key, Some(Bytes::from_static(&[7; 40])))
    };
    let mut rows: raw::Rows = (0..BATCH * ROWS).map(row).collect();
    rows.sort();
    rows
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let kilo = |rate: f64| rate / 1e3;
        writeln!(f, "| this machine, {} cores, without duolog | |", self.cores)?;
        writeln!(f, "|---|---|")?;
        writeln!(f, "| append {APPEND} bytes + fdatasync, p50 | {:.2} ms |", millis(self.sync_p50))?;
        writeln!(f, "| append {APPEND} bytes + fdatasync, p99 | {:.2} ms |", millis(self.sync_p99))?;
        let paced = APPEND as f64 * PACE / 1e6;
        writeln!(
            f,
            "| append {paced:.0} kB + fdatasync each millisecond, p99 of the best second | {:.2} ms |",
            self.paced_p99
        )?;
        let synced = kilo(self.synced_records);
        writeln!(f, "| RocksDB, {APPEND} bytes a record, {BATCH} in a synced batch | {synced:.0} k records/s |")?;
        let unlogged = kilo(self.unlogged_messages);
        writeln!(f, "| RocksDB, {ROWS} small rows a message, {BATCH} in a batch, no WAL | {unlogged:.0} k messages/s |")
    }
}
