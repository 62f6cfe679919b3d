use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::context::{Context, ROUND, Serving};
use super::delivery::{Delivery, Outcome, Place};
use super::message::Outgoing;
use super::settings::{DELIVERY_MILLIS, HeaderCodec, KafkaSettings, Stream};
use super::topics::Found;
use crate::log::{LogError, MAX_BATCH_BYTES, Record};

/// Bytes that may be on their way to the brokers before appenders are told that the log is busy.
const MAX_WAITING_BYTES: usize = 4 * MAX_BATCH_BYTES;
/// How long a batch's reports are waited for: well above the time after which librdkafka gives a message up.
const PATIENCE: Duration = Duration::from_millis(DELIVERY_MILLIS as u64 + 8_000);
/// What a message takes in the brokers' format beside key, value and headers, with room to spare.
const MESSAGE_OVERHEAD: usize = 512;

/// Appends batches through one idempotent producer.
///
/// ```text
/// appender 1 ─┐ one batch after the other,   ┌────────────┐  acks=all, at most 5 requests
/// appender 2 ─┤ for each partition           │ librdkafka ├────────────────────────────► leader
/// courier ────┘ bounded in bytes ───────────►└─────┬──────┘
///      ▲                                           │ a report for each message
///      └───────── offsets, or what is known ◄──────┘
/// ```
///
/// A batch's messages are handed over under the lock of its partition, so batches stand in the log in the order in which
/// they were handed over; the idempotent producer keeps that order through every retry.
pub(super) struct Producer {
    /// Goes first: it holds the client, too.
    _serving: Serving,
    client: Arc<BaseProducer<Context>>,
    topic: String,
    headers: HeaderCodec,
    /// One for each partition.
    turns: Vec<Mutex<()>>,
    waiting: AtomicUsize,
    /// The largest message that the topic takes.
    message_bytes: usize,
    /// Why it refuses appends.
    poison: Mutex<Option<String>>,
}

impl Producer {
    /// Connects nothing yet.
    ///
    /// # Errors
    /// [`LogError::Open`] if librdkafka refuses the settings.
    pub fn new(settings: &KafkaSettings, stream: Stream, found: Found) -> Result<Self, LogError> {
        let Found { partitions, message_bytes } = found;
        let mut config = settings.producer(stream)?;
        config.set("message.max.bytes", message_bytes.to_string());
        let client: BaseProducer<Context> = config.create_with_context(Context).map_err(super::refused)?;
        let client = Arc::new(client);
        let served = client.clone();
        let serving = Serving::start("kafka-reports", move || served.poll(ROUND)).map_err(super::refused)?;
        Ok(Self {
            _serving: serving,
            client,
            topic: settings.topic(stream),
            headers: settings.headers,
            turns: (0..partitions).map(|_| Mutex::default()).collect(),
            waiting: 0.into(),
            message_bytes,
            poison: Mutex::default(),
        })
    }

    /// See [`crate::log::Log::append`]; the partition exists.
    pub fn append(&self, partition: u32, batch: &[Record]) -> Result<Vec<u64>, LogError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let size = batch.iter().map(Record::size).sum();
        if size > MAX_BATCH_BYTES {
            return Err(LogError::TooLarge { size, limit: MAX_BATCH_BYTES });
        }
        let messages = batch.iter().map(|record| self.outgoing(record)).collect::<Result<Vec<_>, _>>()?;
        let _room = Room::take(&self.waiting, messages.iter().map(|message| message.size).sum())
            .ok_or(LogError::Busy("too many bytes wait for the brokers"))?;
        let delivery = Delivery::new(messages.len());
        {
            let _turn = self.turns[partition as usize].lock();
            if let Some(why) = self.poison.lock().clone() {
                return Err(LogError::Poisoned(why));
            }
            self.hand_over(partition, messages, &delivery);
        }
        self.answer(delivery.wait(PATIENCE))
    }

    fn outgoing<'r>(&self, record: &'r Record) -> Result<Outgoing<'r>, LogError> {
        let message = Outgoing::new(record, self.headers)
            .map_err(|what| LogError::Failed(format!("a record cannot be a Kafka message: {what}")))?;
        let limit = self.message_bytes.saturating_sub(MESSAGE_OVERHEAD);
        if message.size > limit {
            return Err(LogError::TooLarge { size: message.size, limit });
        }
        Ok(message)
    }

    /// Gives a batch to librdkafka, message by message. If it refuses one, the rest is not handed over either.
    fn hand_over(&self, partition: u32, messages: Vec<Outgoing<'_>>, delivery: &Arc<Delivery>) {
        let count = messages.len();
        for (number, message) in messages.into_iter().enumerate() {
            let place = Box::new(Place { delivery: delivery.clone(), number });
            let record = BaseRecord::with_opaque_to(&self.topic, place)
                .partition(partition.cast_signed())
                .key(&message.record.key[..])
                .payload(&message.record.payload[..])
                // Milliseconds; beyond what Kafka can hold it is only a label.
                .timestamp(i64::try_from(message.record.time).unwrap_or(i64::MAX))
                .headers(message.headers);
            if let Err((error, _)) = self.client.send(record) {
                delivery.refused(count - number, &error);
                return;
            }
        }
    }

    fn answer(&self, outcome: Outcome) -> Result<Vec<u64>, LogError> {
        let code = match outcome {
            Outcome::Durable(offsets) if offsets.is_sorted_by(|one, next| one < next) => return Ok(offsets),
            Outcome::Durable(offsets) => {
                return Err(LogError::Unknown(format!("the brokers put a batch out of order: {offsets:?}")));
            }
            Outcome::Refused(code) | Outcome::Unknown(code) => code,
        };
        metrics::counter!("duolog_kafka_failed_appends_total").increment(1);
        let poison = self.poisoned_by(code);
        match (outcome, poison) {
            (Outcome::Unknown(code), _) => Err(LogError::Unknown(KafkaError::MessageProduction(code).to_string())),
            (_, Some(why)) => Err(LogError::Poisoned(why)),
            (_, None) if code == RDKafkaErrorCode::MessageSizeTooLarge => {
                Err(LogError::TooLarge { size: self.message_bytes, limit: self.message_bytes })
            }
            (_, None) => {
                tracing::warn!("the brokers took nothing of a batch: {code}");
                Err(LogError::Busy("the brokers take no records at the moment"))
            }
        }
    }

    /// Why nothing may be appended any more: after a fatal error the producer cannot keep order and number of records.
    fn poisoned_by(&self, code: RDKafkaErrorCode) -> Option<String> {
        let fatal = self.client.client().fatal_error();
        let lasting =
            matches!(code, RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed);
        let why = match fatal {
            Some((code, text)) => format!("{code}: {text}"),
            None if lasting => code.to_string(),
            None => return None,
        };
        tracing::error!("the producer cannot go on and refuses appends until the log is opened again: {why}");
        Some(self.poison.lock().get_or_insert(why).clone())
    }
}

/// Bytes of the queue that an append holds until it is answered.
struct Room<'a> {
    waiting: &'a AtomicUsize,
    size: usize,
}

impl<'a> Room<'a> {
    fn take(waiting: &'a AtomicUsize, size: usize) -> Option<Self> {
        let fits = |before: usize| Some(before + size).filter(|after| before == 0 || *after <= MAX_WAITING_BYTES);
        waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).ok()?;
        Some(Self { waiting, size })
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.size, Ordering::AcqRel);
    }
}

#[cfg(test)]
impl Producer {
    /// What a broker does that has lost the producer's sequence.
    pub fn fail_for_good(&self) {
        use rdkafka::bindings::{rd_kafka_resp_err_t, rd_kafka_test_fatal_error};
        let code = rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        // SAFETY: the client lives, and the reason is copied.
        unsafe { rd_kafka_test_fatal_error(self.client.client().native_ptr(), code, c"a test".as_ptr()) };
    }
}
