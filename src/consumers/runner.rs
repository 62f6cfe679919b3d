use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duolog_topics::{DecodeError, Envelope, EventKind, Header};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::lane::{Finished, Shared};
use super::positions::{INTERVAL, Ledger};
use super::window::Window;
use super::{Consumer, Delivery, Joined, Lane, join};
use crate::domain::rows::{ConsumerRow, Pointer, RowsError};
use crate::engine::Tap;
use crate::limits;
use crate::log::{LogError, ReadLimit, Stored};

const LIMIT: ReadLimit = ReadLimit { records: limits::CONSUMER_READ_RECORDS, bytes: limits::CONSUMER_READ_BYTES };
/// How long to wait before reading again what could not be read.
const READ_DELAY: Duration = Duration::from_secs(1);
/// Tries that are under way when the runner stops have this long.
const DRAIN: Duration = Duration::from_secs(3);

/// Why records could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Rows(#[from] RowsError),
    #[error("record at offset {offset}: {source}")]
    Decode { offset: u64, source: DecodeError },
    #[error(transparent)]
    Thread(#[from] JoinError),
}

/// A record's offset and bytes, and the deliveries that it causes.
type Caused<P> = (u64, usize, Vec<Delivery<P>>);

/// What one read gave.
struct Read<P> {
    /// The next offset.
    next: u64,
    /// Whether a record says more than that time or a position has passed.
    moved: bool,
    records: Vec<Caused<P>>,
}

type Reading<P> = Pin<Box<dyn Future<Output = Read<P>> + Send>>;
/// A batch of a lane, and what became of it.
type Done<P> = (Lane, Vec<Arc<Delivery<P>>>, Finished);
type Lanes<P> = JoinSet<Done<P>>;

/// One consumer in one partition: reads ahead, keeps the lanes going, tells how far it has come.
pub struct Runner<C: Consumer> {
    shared: Arc<Shared<C>>,
    tap: Tap,
    ledger: Arc<Ledger>,
    window: Window<C::Payload>,
    full: Arc<AtomicBool>,
    news: News,
    stop: watch::Receiver<bool>,
}

/// What the ledger has not heard of.
#[derive(Clone, Copy, Default)]
struct News {
    /// The place has changed.
    place: bool,
    /// Something was delivered or given up.
    delivered: bool,
    /// Something passed that says more than how far others are.
    moved: bool,
}

impl<C: Consumer> Runner<C> {
    /// `head`: the first record to read. `stop`: for this partition.
    pub fn new(shared: Arc<Shared<C>>, tap: Tap, ledger: Arc<Ledger>, head: u64, stop: watch::Receiver<bool>) -> Self {
        let full = Arc::new(AtomicBool::new(false));
        Self { shared, tap, ledger, window: Window::new(head), full, news: News::default(), stop }
    }

    /// Runs until it is told to stop; then waits a little for the tries under way.
    pub async fn run(mut self, start: ConsumerRow) {
        let mut stop = self.stop.clone();
        tokio::select! {
            // What it has not read stays in the row.
            _ = stop.wait_for(|stop| *stop) => return,
            () = self.take_waiting(&start.waiting) => {}
        }
        let mut lanes: Lanes<C::Payload> = JoinSet::new();
        let mut reading: Option<Reading<C::Payload>> = None;
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.start_lanes(&mut lanes);
            let room = self.window.has_room();
            self.full.store(!room, Ordering::Relaxed);
            if room && reading.is_none() {
                reading = Some(Box::pin(read_on(self.shared.clone(), self.tap.clone(), self.window.head())));
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(finished) = lanes.join_next() => self.finish(finished),
                read = next(&mut reading) => self.take(read),
                _ = ticks.tick(), if self.news.place => self.publish(),
            }
        }
        let drained = async {
            while let Some(finished) = lanes.join_next().await {
                self.finish(finished);
            }
        };
        let _ = tokio::time::timeout(DRAIN, drained).await;
        self.publish();
    }

    fn start_lanes(&mut self, lanes: &mut Lanes<C::Payload>) {
        let most = self.shared.consumer.settings().batch;
        while let Some((lane, batch)) = self.window.next(most) {
            let (shared, full, stop) = (self.shared.clone(), self.full.clone(), self.stop.clone());
            lanes.spawn(async move {
                let finished = shared.deliver(&batch, &full, stop).await;
                (lane, batch, finished)
            });
        }
    }

    fn finish(&mut self, finished: Result<Done<C::Payload>, JoinError>) {
        match finished {
            Ok((_, _, Finished::Stopped)) => {}
            Ok((lane, batch, Finished::Delivered | Finished::GivenUp)) => {
                self.window.done(lane, &batch);
                self.news = News { place: true, delivered: true, ..self.news };
            }
            // Tries are guarded, so this is ours; the lane stays, and its deliveries come again after a restart.
            Err(error) => tracing::error!(consumer = self.shared.consumer.name(), "a lane has stopped: {error}"),
        }
    }

    fn add(&mut self, records: Vec<Caused<C::Payload>>) {
        records.into_iter().for_each(|(offset, bytes, deliveries)| self.window.add(offset, bytes, deliveries));
    }

    fn take(&mut self, read: Read<C::Payload>) {
        self.add(read.records);
        self.window.read_until(read.next);
        self.news = News { place: true, moved: self.news.moved || read.moved, ..self.news };
    }

    fn publish(&mut self) {
        let News { delivered, moved, .. } = std::mem::take(&mut self.news);
        self.ledger.publish(self.window.place(), delivered, moved);
    }

    /// Reads again the records below the position that were not done.
    async fn take_waiting(&mut self, waiting: &[u64]) {
        const ONE: ReadLimit = ReadLimit { records: 1, bytes: 0 };
        for &offset in waiting {
            match read(&self.shared, &self.tap, offset, ONE).await {
                Ok(read) => self.add(read.records),
                Err(_) => lost(self.shared.consumer.name(), &self.tap, offset, offset + 1),
            }
        }
    }
}

async fn next<P>(reading: &mut Option<Reading<P>>) -> Read<P> {
    match reading {
        Some(future) => {
            let read = future.await;
            *reading = None;
            read
        }
        None => std::future::pending().await,
    }
}

/// Waits for records and reads them.
async fn read_on<C: Consumer>(shared: Arc<Shared<C>>, tap: Tap, from: u64) -> Read<C::Payload> {
    tap.above(from).await;
    read(&shared, &tap, from, LIMIT).await.unwrap_or_else(|first| {
        lost(shared.consumer.name(), &tap, from, first);
        Read { next: first, moved: true, records: Vec::new() }
    })
}

/// Reads records; what cannot be read is read again later.
///
/// # Errors
/// Where the log begins, if it was trimmed beyond that.
async fn read<C: Consumer>(
    shared: &Arc<Shared<C>>,
    tap: &Tap,
    from: u64,
    limit: ReadLimit,
) -> Result<Read<C::Payload>, u64> {
    loop {
        let (reader, source) = (shared.clone(), tap.clone());
        let read = tokio::task::spawn_blocking(move || {
            let records = source.read(from, limit)?;
            deliveries(&reader.consumer, &source, &records)
        });
        match read.await.map_err(ReadError::from).and_then(|read| read) {
            Ok(read) => return Ok(read),
            Err(ReadError::Log(LogError::Trimmed { first, .. })) if first > from => return Err(first),
            Err(error) => {
                let partition = tap.partition();
                tracing::error!(consumer = shared.consumer.name(), partition, from, "cannot read: {error}");
                tokio::time::sleep(READ_DELAY).await;
            }
        }
    }
}

/// Joins records with what the fold kept of them, and asks the consumer what they cause.
fn deliveries<C: Consumer>(consumer: &C, tap: &Tap, records: &[Stored]) -> Result<Read<C::Payload>, ReadError> {
    let (rows, generation, partition) = (tap.rows(), tap.meta().generation, tap.partition());
    let mut read = Read { next: records.last().map_or(0, |last| last.offset + 1), moved: false, records: Vec::new() };
    for Stored { offset, record } in records {
        let undecodable = |source| ReadError::Decode { offset: *offset, source };
        // Of a record that nobody could decode the fold kept nothing, and nobody is told of it.
        let Some(kind) = Header::decode(&record.header).ok().and_then(|header| EventKind::from_name(header.kind))
        else {
            continue;
        };
        read.moved |= !is_progress(kind);
        if !consumer.wants(kind) {
            continue;
        }
        let at = Pointer { generation, partition, offset: *offset };
        let Some(kept) = join(&rows, at, kind)? else { continue };
        let (envelope, event) =
            Envelope::decode(&record.key, record.time, &record.header, &record.payload).map_err(undecodable)?;
        let deliveries = consumer.deliveries(&Joined { at, envelope: &envelope, event: &event, kept: &kept });
        if !deliveries.is_empty() {
            read.records.push((*offset, record.size(), deliveries));
        }
    }
    Ok(read)
}

/// Records that only say how far something has come.
pub fn is_progress(kind: EventKind) -> bool {
    matches!(kind, EventKind::Tick | EventKind::CursorsAdvanced | EventKind::ConsumersAdvanced)
}

/// Records that a consumer needed are gone: only an operator's limit can have done that, and he has to hear of it.
fn lost(consumer: &str, tap: &Tap, from: u64, until: u64) {
    let partition = tap.partition();
    tracing::error!(consumer, partition, from, until, "the log was trimmed: records are lost to this consumer");
    metrics::counter!("duolog_consumer_lost_records_total", "consumer" => consumer.to_owned()).increment(until - from);
}
