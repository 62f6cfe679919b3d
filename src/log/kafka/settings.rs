use std::collections::BTreeMap;

use rdkafka::ClientConfig;

use crate::log::{LogError, Record};

/// How long a record may be on its way before its append is answered with an error: shorter than callers of the engine
/// wait, so that they hear what is known; longer than a broker's death goes unnoticed (9 s by default).
pub(super) const DELIVERY_MILLIS: u32 = 12_000;
/// Kilobytes that librdkafka may hold for the brokers: more than [`super::producer`] ever lets in.
const PRODUCER_KILOBYTES: u32 = 512 << 10;
/// Records and kilobytes that are fetched ahead of a reader, for each partition that is read.
const FETCHED_RECORDS: u32 = 20_000;
const FETCHED_KILOBYTES: u32 = 16 << 10;
const STATISTICS_MILLIS: u32 = 5_000;

/// What the promise of the log hangs on. The operator's properties cannot set these.
const FIXED: &[&str] = &[
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "check.crcs",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "isolation.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.timeout.ms",
    "metadata.broker.list",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "request.required.acks",
    "transactional.id",
];

/// Names and values of a message's headers.
pub type Headers = Vec<(&'static str, Vec<u8>)>;

/// A header of a message that was read.
pub type HeaderRead<'a> = (&'a str, &'a [u8]);

/// What the headers of a message say of its record: time (Unix ms) and header bytes.
pub type TimeAndHeader = (u64, Vec<u8>);

/// The header bytes and the time of a record, as the headers of a Kafka message. The log knows neither events nor
/// CloudEvents, so whoever opens it says how the two go together; decoding what was encoded gives the same record.
#[derive(Clone, Copy)]
pub struct HeaderCodec {
    /// The headers of a record's message.
    ///
    /// The error says what is wrong with the record.
    pub encode: fn(&Record) -> Result<Headers, String>,
    /// The opposite, from headers in any order.
    ///
    /// The error says why no record of ours has such headers.
    pub decode: fn(&[HeaderRead<'_>]) -> Result<TimeAndHeader, String>,
}

/// What a topic of ours is to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// The log itself.
    Events,
    /// What consumers gave up on.
    DeadLetters,
}

/// Which topics, on which brokers.
#[derive(Clone)]
pub struct KafkaSettings {
    /// Addresses to begin with, between commas.
    pub brokers: String,
    pub topic_prefix: String,
    /// If the topic has to be made.
    pub partitions: u32,
    /// If the topics have to be made.
    pub replication: u32,
    /// Handed to librdkafka as they are.
    pub properties: BTreeMap<String, String>,
    pub headers: HeaderCodec,
}

impl KafkaSettings {
    /// The topic that holds a stream.
    pub fn topic(&self, stream: Stream) -> String {
        match stream {
            Stream::Events => self.events(),
            Stream::DeadLetters => self.dead_letters(),
        }
    }

    /// The topic that is the log.
    pub fn events(&self) -> String {
        format!("{}events", self.topic_prefix)
    }

    /// The topic of what consumers gave up on.
    pub fn dead_letters(&self) -> String {
        format!("{}dead-letters", self.topic_prefix)
    }

    /// The compacted topic that says who owns what.
    pub fn owners(&self) -> String {
        format!("{}owners", self.topic_prefix)
    }

    /// What every client of these brokers starts from.
    ///
    /// # Errors
    /// [`LogError::Open`] if the operator's properties would break the promise of the log.
    pub fn client(&self) -> Result<ClientConfig, LogError> {
        if let Some(name) = self.properties.keys().find(|name| FIXED.contains(&name.as_str())) {
            return Err(LogError::Open(format!(
                "log.kafka.properties sets {name}, on which the log's promise hangs; leave it out"
            )));
        }
        let mut config = ClientConfig::new();
        config
            .set("client.id", "duolog")
            .set("socket.nagle.disable", "true")
            // A broker that comes back is found within a second.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // Idle connections are closed by the broker every ten minutes.
            .set("log.connection.close", "false");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.brokers);
        Ok(config)
    }

    pub(super) fn producer(&self, stream: Stream) -> Result<ClientConfig, LogError> {
        let mut config = self.client()?;
        // Headers repeat themselves in every record.
        default(&mut config, "compression.type", "lz4");
        // A batch is handed over whole; waiting for more of it would only delay it.
        default(&mut config, "linger.ms", "0");
        if stream == Stream::Events {
            // One client tells how the brokers are; a second one would tell it in the same numbers.
            default(&mut config, "statistics.interval.ms", &STATISTICS_MILLIS.to_string());
        }
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", DELIVERY_MILLIS.to_string())
            // Our own queue is in front, and full long before this one is.
            .set("queue.buffering.max.kbytes", PRODUCER_KILOBYTES.to_string())
            .set("queue.buffering.max.messages", "0");
        Ok(config)
    }

    pub(super) fn consumer(&self) -> Result<ClientConfig, LogError> {
        let mut config = self.client()?;
        default(&mut config, "queued.min.messages", &FETCHED_RECORDS.to_string());
        default(&mut config, "queued.max.messages.kbytes", &FETCHED_KILOBYTES.to_string());
        // A second by default, in which a reader that has caught up with what was fetched waits for nothing.
        default(&mut config, "fetch.queue.backoff.ms", "5");
        default(&mut config, "fetch.error.backoff.ms", "100");
        config
            // librdkafka asks for a name, though nobody joins a group: partitions are assigned by hand.
            .set("group.id", format!("{}readers", self.topic_prefix))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // An offset that is gone is told, never skipped.
            .set("auto.offset.reset", "error")
            .set("check.crcs", "true")
            // A hole is a hole, whatever a foreign producer meant by it.
            .set("isolation.level", "read_uncommitted");
        Ok(config)
    }
}

/// Sets what the operator has not set.
fn default(config: &mut ClientConfig, name: &str, value: &str) {
    if config.get(name).is_none() {
        config.set(name, value);
    }
}
