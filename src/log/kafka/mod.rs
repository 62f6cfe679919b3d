//! The log on Apache Kafka: one topic, its partitions are the log's. The dead letters are a log of the same kind, on a
//! topic of their own.
//!
//! ```text
//!            ┌──────────── KafkaLog ───────────┐
//! append ───►│ producer   idempotent, acks=all ├──►  topic <prefix>events
//! read   ◄───│ tail       what was appended    │
//!            │ cursor     two a partition      │◄──  fetched ahead, by hand, from an offset
//! wait   ◄───│ partition  marks, and who waits │
//! trim   ───►│ admin      delete-records       ├──►
//!            └─────────────────────────────────┘
//! ```
//!
//! What the promise in [`super`] becomes here:
//!
//! - *Durable* is what the brokers mean by acks=all: so many replicas as `min.insync.replicas` asks for. Their own sync to
//!   disk comes later; three replicas are the answer to that.
//! - `append` tells apart what is certain. If the brokers took nothing: [`LogError::Busy`]. If any message of the batch may
//!   have been written: [`LogError::Unknown`], and the reader will see. A fatal error of the idempotent producer, after
//!   which order cannot be kept: [`LogError::Poisoned`].
//! - Positions are never committed to Kafka: they are kept with the state. An offset that is gone is an error, never a skip.
//! - A hole between offsets is [`LogError::Damaged`]: an idempotent producer without transactions leaves none, and the topic
//!   may not be compacted.
//! - Brokers that do not answer make reads [`LogError::Unreachable`], which passes; `wait` just waits.

mod admin;
mod context;
mod cursor;
mod delivery;
mod message;
mod native;
mod partition;
mod producer;
mod reader;
mod settings;
#[cfg(test)]
mod tests;
mod topics;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

pub use self::settings::{HeaderCodec, HeaderRead, Headers, KafkaSettings, Stream, TimeAndHeader};

use self::{
    admin::Admin,
    cursor::{Cursor, Trouble},
    partition::Partition,
    producer::Producer,
    reader::Reader,
};
use super::{Bounds, Log, LogError, ReadLimit, Record, Stored};
use crate::limits;

/// How long a read or a question waits for brokers that do not answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long closing may take; librdkafka can hang for minutes on brokers that are gone.
const CLOSE_TIME: Duration = Duration::from_secs(5);
/// How long a waiter rests after an error that may pass.
const REST: Duration = Duration::from_millis(100);
/// How long a reader at the end waits for records that this process appends, before it has others' fetched.
const OWN: Duration = Duration::from_millis(20);
const ONE: ReadLimit = ReadLimit { records: 1, bytes: 0 };

/// Readers of a partition that go on from where they were: the fold, and one beside it. A third one moves the one that has
/// not been used for longest.
const READERS: usize = 2;

/// The log on Kafka. See the module.
pub struct KafkaLog {
    /// Gone only while it is dropped.
    clients: Option<Clients>,
    settings: KafkaSettings,
    stream: Stream,
    partitions: Vec<Arc<Partition>>,
    /// Counts uses of cursors.
    uses: AtomicU64,
}

/// What talks to the brokers, and is closed on a thread of its own.
struct Clients {
    /// For each partition one cursor of each reader.
    cursors: Vec<[Slot; READERS]>,
    readers: [OnceLock<Reader>; READERS],
    producer: Option<Producer>,
    admin: Admin,
}

#[derive(Default)]
struct Slot {
    cursor: Mutex<Cursor>,
    used: AtomicU64,
}

impl KafkaLog {
    /// Opens the log for reading and appending. Topics that are missing are made; one that would lose records is refused.
    ///
    /// # Errors
    /// [`LogError::Open`]: no broker answers within half a minute, or the topic does not fit; the text says what to do.
    pub fn open(settings: KafkaSettings) -> Result<Self, LogError> {
        Self::open_stream(settings, Stream::Events)
    }

    /// As [`Self::open`], with the topic of a stream.
    ///
    /// # Errors
    /// As there.
    pub fn open_stream(settings: KafkaSettings, stream: Stream) -> Result<Self, LogError> {
        let admin = Admin::new(&settings)?;
        let found = topics::settle(&admin, &settings, stream)?;
        let producer = Producer::new(&settings, stream, found)?;
        Self::with(settings, stream, admin, Some(producer), found.partitions)
    }

    /// Opens the topic of a stream for reading only; it has to be there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_read_only(settings: KafkaSettings, stream: Stream) -> Result<Self, LogError> {
        let admin = Admin::new(&settings)?;
        let found = topics::check(&admin, &settings, stream)?;
        Self::with(settings, stream, admin, None, found.partitions)
    }

    fn with(
        settings: KafkaSettings,
        stream: Stream,
        admin: Admin,
        producer: Option<Producer>,
        count: u32,
    ) -> Result<Self, LogError> {
        let clients = Clients {
            cursors: (0..count).map(|_| Default::default()).collect(),
            readers: [OnceLock::from(Reader::new(&settings, stream)?), OnceLock::new()],
            producer,
            admin,
        };
        let partitions = (0..count).map(|_| Arc::default()).collect();
        let log = Self { clients: Some(clients), settings, stream, partitions, uses: 0.into() };
        for partition in 0..count {
            log.bounds(partition)?;
        }
        Ok(log)
    }

    /// What it was opened with.
    pub fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    fn topic(&self) -> String {
        self.settings.topic(self.stream)
    }

    fn clients(&self) -> &Clients {
        self.clients.as_ref().expect("the clients are there until the log is dropped")
    }

    fn partition(&self, id: u32) -> Result<&Arc<Partition>, LogError> {
        self.partitions.get(id as usize).ok_or(LogError::NoPartition(id))
    }

    /// A cursor at an offset: one that is there already, else the one that was not used for longest, moved.
    fn cursor_at(&self, id: u32, from: u64) -> Result<MutexGuard<'_, Cursor>, LogError> {
        let Clients { cursors, readers, .. } = self.clients();
        let slots = &cursors[id as usize];
        let use_number = self.uses.fetch_add(1, Ordering::Relaxed);
        for slot in slots {
            if let Some(cursor) = slot.cursor.try_lock().filter(|cursor| cursor.position() == Some(from)) {
                slot.used.store(use_number, Ordering::Relaxed);
                return Ok(cursor);
            }
        }
        let idle = (0..READERS).min_by_key(|number| slots[*number].used.load(Ordering::Relaxed)).unwrap_or(0);
        let mut cursor = slots[idle].cursor.lock();
        slots[idle].used.store(use_number, Ordering::Relaxed);
        if cursor.position() != Some(from) {
            self.reader(&readers[idle])?.place(&mut cursor, id, self.partition(id)?, from)?;
        }
        Ok(cursor)
    }

    /// Whether the records from an offset on are being fetched.
    fn fetches(&self, id: u32, from: u64) -> bool {
        let at = |slot: &Slot| slot.cursor.try_lock().is_some_and(|cursor| cursor.position() == Some(from));
        self.clients().cursors[id as usize].iter().any(at)
    }

    fn reader<'a>(&self, place: &'a OnceLock<Reader>) -> Result<&'a Reader, LogError> {
        if let Some(reader) = place.get() {
            return Ok(reader);
        }
        let reader = Reader::new(&self.settings, self.stream)?;
        // If another thread was first, its reader serves.
        Ok(place.get_or_init(|| reader))
    }

    /// What trouble in reading an offset means: an error, or nothing if it may pass.
    fn judge(&self, partition: u32, offset: u64, trouble: Trouble) -> Result<(), LogError> {
        let damaged = |what: String| Err(LogError::Damaged { partition, offset, what });
        match trouble {
            Trouble::BadBytes => damaged("its checksum does not fit".into()),
            Trouble::Hole { next } => damaged(format!("it is missing, {next} comes next; is the topic compacted?")),
            Trouble::Lasting(code) => Err(LogError::Failed(format!("topic {}: {code}", self.topic()))),
            Trouble::OutOfRange => {
                let Bounds { first, high_watermark } = self.bounds(partition)?;
                match offset {
                    _ if offset < first => Err(LogError::Trimmed { partition, wanted: offset, first }),
                    _ if offset > high_watermark => {
                        damaged(format!("the partition ends at {high_watermark}: the brokers have lost records"))
                    }
                    // A leader that is new may not know yet how far it is.
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Log for KafkaLog {
    fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    fn append(&self, partition: u32, batch: Vec<Record>) -> Result<Vec<u64>, LogError> {
        let place = self.partition(partition)?;
        let producer = self.clients().producer.as_ref();
        let producer = producer.ok_or_else(|| LogError::Failed("it was opened for reading only".into()))?;
        let offsets = producer.append(partition, &batch)?;
        place.appended(&offsets, batch);
        Ok(offsets)
    }

    fn batch_records(&self) -> usize {
        limits::KAFKA_APPEND_RECORDS
    }

    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        let place = self.partition(partition)?;
        let Bounds { first, high_watermark } = place.bounds();
        if from < first {
            return Err(LogError::Trimmed { partition, wanted: from, first });
        }
        if from > high_watermark {
            return Ok(Vec::new());
        }
        if let Some(records) = place.newest(from, limit) {
            return Ok(records);
        }
        if from == high_watermark && !self.fetches(partition, from) {
            return Ok(Vec::new());
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let mut cursor = self.cursor_at(partition, from)?;
            // Where nothing is known to be there, nothing is waited for.
            let wait = if from < high_watermark { REST } else { Duration::ZERO };
            let gathered = cursor.gather(limit, wait, self.settings.headers);
            let records = cursor.take(limit);
            drop(cursor);
            if let Some(last) = records.last() {
                place.reaches(last.offset + 1);
                return Ok(records);
            }
            if let Err(trouble) = gathered {
                self.judge(partition, from, trouble)?;
            }
            if from >= high_watermark {
                return Ok(records);
            }
            if Instant::now() > until {
                return Err(LogError::Unreachable(format!("no broker sends partition {partition} from offset {from}")));
            }
        }
    }

    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError> {
        let place = self.partition(partition)?;
        if timeout.is_zero() {
            return Ok(self.bounds(partition).unwrap_or_else(|_| place.bounds()).high_watermark);
        }
        let until = Instant::now().checked_add(timeout);
        let mut waited = false;
        loop {
            let seen = place.seen();
            let mut rest = until.map_or(timeout, |until| until.saturating_duration_since(Instant::now()));
            let high_watermark = place.bounds().high_watermark;
            if high_watermark > from || rest.is_zero() {
                return Ok(high_watermark);
            }
            if from == high_watermark && !waited && !self.fetches(partition, from) {
                // While this process appends, its records need no fetching.
                waited = true;
                if place.wait(seen, rest.min(OWN)) {
                    return Ok(place.bounds().high_watermark);
                }
                continue;
            }
            if from == high_watermark {
                // Somebody else's records are heard of only by fetching.
                let mut cursor = self.cursor_at(partition, from)?;
                let gathered = cursor.gather(ONE, Duration::ZERO, self.settings.headers);
                let reached = cursor.reached();
                drop(cursor);
                if let Some(end) = reached {
                    place.reaches(end);
                    continue;
                }
                if let Err(trouble) = gathered {
                    match self.judge(partition, from, trouble) {
                        Ok(()) | Err(LogError::Unreachable(_)) => rest = rest.min(REST),
                        Err(error) => return Err(error),
                    }
                }
            }
            if place.wait(seen, rest) {
                return Ok(place.bounds().high_watermark);
            }
        }
    }

    fn wake(&self, partition: u32) {
        if let Ok(place) = self.partition(partition) {
            place.wake();
        }
    }

    fn trim(&self, partition: u32, below: u64) -> Result<(), LogError> {
        let place = self.partition(partition)?;
        let Bounds { first, high_watermark } = self.bounds(partition)?;
        let below = below.min(high_watermark);
        if below <= first {
            return Ok(());
        }
        let first =
            self.clients().admin.delete_records(&self.topic(), partition, below).map_err(|error| {
                LogError::Failed(format!("the brokers did not delete records below {below}: {error}"))
            })?;
        place.learn(Bounds { first, high_watermark });
        Ok(())
    }

    /// Asks the partition's leader.
    fn bounds(&self, partition: u32) -> Result<Bounds, LogError> {
        let place = self.partition(partition)?;
        let reader = self.reader(&self.clients().readers[0])?;
        let (first, high_watermark) = reader.watermarks(partition, PATIENCE).map_err(|error| {
            LogError::Unreachable(format!("the leader of partition {partition} does not answer: {error}"))
        })?;
        let bounds = Bounds { first, high_watermark };
        place.learn(bounds);
        Ok(bounds)
    }
}

impl Drop for KafkaLog {
    /// Closes the clients on a thread of their own, and waits for it only so long: the process may be about to end.
    fn drop(&mut self) {
        let Some(clients) = self.clients.take() else { return };
        let (done, closed) = mpsc::channel();
        let close = move || {
            drop(clients);
            let _ = done.send(());
        };
        // Without a thread the clients go with the closure, here.
        let spawned = std::thread::Builder::new().name("kafka-close".into()).spawn(close);
        if spawned.is_ok() && closed.recv_timeout(CLOSE_TIME).is_err() {
            tracing::warn!("the clients of Kafka are not closed yet; they are left to themselves");
        }
    }
}

fn refused(error: impl std::fmt::Display) -> LogError {
    LogError::Open(format!("the client of Kafka does not start: {error}"))
}
