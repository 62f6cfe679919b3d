//! The directory of all nodes: the compacted topic `<prefix>owners`. Key: the partition's number in digits; value: an
//! [`Owner`] as JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer};
use rdkafka::{Message, Offset, TopicPartitionList};

use super::ClusterError;
use super::directory::{Directory, Owner};
use crate::log::kafka::KafkaSettings;

const ROUND: Duration = Duration::from_millis(100);

/// librdkafka complains of brokers that are away, and tries again by itself.
struct Patient;

/// Writes the topic, and reads it into the directory until it is dropped.
pub struct OwnersTopic {
    producer: ThreadedProducer<Patient>,
    topic: String,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl OwnersTopic {
    /// Begins to read it from its start.
    ///
    /// # Errors
    /// If the client refuses its settings.
    pub fn follow(settings: &KafkaSettings, directory: Arc<Directory>) -> Result<Self, ClusterError> {
        let topic = settings.owners();
        let mut config = settings.client()?;
        let producer =
            config.clone().set("acks", "all").set("enable.idempotence", "true").create_with_context(Patient)?;
        config
            .set("group.id", format!("{}readers", settings.topic_prefix))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("fetch.wait.max.ms", "100")
            .set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer<Patient> = config.create_with_context(Patient)?;
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(&topic, 0, Offset::Beginning)?;
        consumer.assign(&all)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let read = move || {
            while !stopped.load(Ordering::Acquire) {
                match consumer.poll(ROUND) {
                    Some(Ok(message)) => hear(&directory, message.key(), message.payload()),
                    Some(Err(error)) => tracing::debug!("the directory of owners cannot be read now: {error}"),
                    None => {}
                }
            }
        };
        let reader = std::thread::Builder::new().name("owners".to_owned()).spawn(read)?;
        Ok(Self { producer, topic, stop, reader: Some(reader) })
    }

    /// Tells all nodes who owns a partition. librdkafka keeps it until the brokers take it; a node that misses it hears "not
    /// owner" instead.
    pub fn announce(&self, partition: u32, owner: &Owner) {
        let (key, value) = (partition.to_string(), serde_json::to_vec(owner).unwrap_or_default());
        let record = BaseRecord::to(&self.topic).partition(0).key(&key).payload(&value);
        if let Err((error, _)) = self.producer.send(record) {
            tracing::warn!(partition, "other nodes were not told of the owner: {error}");
        }
    }
}

fn hear(directory: &Directory, key: Option<&[u8]>, value: Option<&[u8]>) {
    let partition = key.and_then(|key| std::str::from_utf8(key).ok()?.parse().ok());
    let owner = value.and_then(|value| serde_json::from_slice::<Owner>(value).ok());
    match (partition, owner) {
        (Some(partition), Some(owner)) => directory.learn(partition, owner),
        _ => tracing::warn!("a record in the directory of owners is not by a node, and passed over"),
    }
}

impl ClientContext for Patient {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("the directory of owners: {error}: {reason}");
    }
}

impl ConsumerContext for Patient {}

impl ProducerContext for Patient {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = delivered {
            tracing::warn!("other nodes were not told of an owner: {error}");
        }
    }
}

impl Drop for OwnersTopic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
