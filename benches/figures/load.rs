//! Load on an engine, and what it did meanwhile.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use duolog::domain::verdict::{Answer, Verdict};
use duolog::engine::Engine;
use duolog::log::{Bounds, Log, LogError, ReadLimit, Record, Stored};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio::runtime::Runtime;

use crate::history;

/// Sends the messages of these numbers, so many at once; the time from the first send to the last ack.
///
/// # Errors
/// If one of them was not applied.
pub fn closed_loop(runtime: &Runtime, engine: &Engine, numbers: Range<u64>, in_flight: usize) -> Result<Duration> {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let start = Instant::now();
    let senders: Vec<_> = (0..in_flight)
        .map(|_| {
            let (engine, next, end) = (engine.clone(), next.clone(), numbers.end);
            runtime.spawn(async move {
                let mut refused = 0_u64;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return refused;
                    }
                    refused += u64::from(send(&engine, number).await.is_err());
                }
            })
        })
        .collect();
    let mut refused = 0;
    for sender in senders {
        refused += runtime.block_on(sender)?;
    }
    ensure!(refused == 0, "{refused} messages were not applied");
    Ok(start.elapsed())
}

/// Sends the messages of these numbers at a steady rate, whether answers come or not, those of each millisecond together:
/// to sleep before each one costs as much as to send it. Times are counted from when a message was due, so that waiting
/// behind others is not hidden.
///
/// # Errors
/// If one of them was not applied.
pub fn open_loop(runtime: &Runtime, engine: &Engine, numbers: Range<u64>, rate: f64) -> Result<Histogram<u64>> {
    let times = Arc::new(Mutex::new(times()));
    let start = Instant::now();
    let mut sends = Vec::with_capacity((numbers.end - numbers.start) as usize);
    for (place, number) in numbers.enumerate() {
        let due = start + Duration::from_millis((place as f64 / rate * 1e3) as u64);
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(early);
        }
        let (engine, times) = (engine.clone(), times.clone());
        sends.push(runtime.spawn(async move {
            let sent = send(&engine, number).await;
            times.lock().saturating_record(due.elapsed().as_nanos() as u64);
            sent
        }));
    }
    for sent in sends {
        runtime.block_on(sent)?.map_err(|why| anyhow!("a message was not applied: {why}"))?;
    }
    let times = times.lock();
    Ok(times.clone())
}

/// An empty histogram of nanoseconds, up to a minute, three digits exact.
pub fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("the bounds are far enough apart")
}

/// If it was not applied, what was said instead.
async fn send(engine: &Engine, number: u64) -> Result<(), String> {
    let (sender, message) = history::message(number);
    match engine.submit(&sender, message.into()).await {
        Ok(Verdict::Applied(Answer::Sent(_))) => Ok(()),
        said => Err(format!("{said:?}")),
    }
}

/// A log that notes how large the batches are that pass through it, and how long they take.
pub struct Watched<L> {
    log: Arc<L>,
    records: AtomicU64,
    appends: Mutex<Histogram<u64>>,
}

impl<L: Log> Watched<L> {
    pub fn new(log: Arc<L>) -> Self {
        Self { log, records: 0.into(), appends: Mutex::new(times()) }
    }

    /// Records in an append, on the average.
    pub fn batch(&self) -> f64 {
        self.records.load(Ordering::Relaxed) as f64 / self.appends.lock().len().max(1) as f64
    }

    /// How long appends have taken since this was asked last.
    pub fn appends(&self) -> Histogram<u64> {
        std::mem::replace(&mut self.appends.lock(), times())
    }
}

impl<L: Log> Log for Watched<L> {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn append(&self, partition: u32, batch: Vec<Record>) -> Result<Vec<u64>, LogError> {
        self.records.fetch_add(batch.len() as u64, Ordering::Relaxed);
        let start = Instant::now();
        let appended = self.log.append(partition, batch);
        self.appends.lock().saturating_record(start.elapsed().as_nanos() as u64);
        appended
    }

    fn batch_records(&self) -> usize {
        self.log.batch_records()
    }

    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        self.log.read(partition, from, limit)
    }

    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError> {
        self.log.wait(partition, from, timeout)
    }

    fn wake(&self, partition: u32) {
        self.log.wake(partition);
    }

    fn trim(&self, partition: u32, below: u64) -> Result<(), LogError> {
        self.log.trim(partition, below)
    }

    fn bounds(&self, partition: u32) -> Result<Bounds, LogError> {
        self.log.bounds(partition)
    }
}
