//! The directory of all nodes: the compacted topic `<prefix>owners`. Key: the partition's number in digits; value: an
//! [`Owner`] as JSON.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer};
use rdkafka::{Message, Offset, TopicPartitionList};

use super::ClusterError;
use super::directory::{Directory, Owner};
use crate::log::kafka::KafkaSettings;

const ROUND: Duration = Duration::from_millis(100);
/// How long what this node has said may take to be read back, before it is said again.
const AGAIN: Duration = Duration::from_secs(5);

/// librdkafka complains of brokers that are away, and tries again by itself.
struct Patient;

/// Writes the topic, and reads it into the directory until it is dropped.
pub struct OwnersTopic {
    speaker: Arc<Speaker>,
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
        // What is said again may come twice, but not behind what was said later.
        let producer = config.clone().set("acks", "all").set("max.in.flight", "1").create_with_context(Patient)?;
        let speaker = Arc::new(Speaker { producer, topic: topic.clone(), said: Mutex::default() });
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
        let (stopped, heard) = (stop.clone(), speaker.clone());
        let read = move || {
            while !stopped.load(Ordering::Acquire) {
                heard.say_again(Instant::now());
                match consumer.poll(ROUND) {
                    Some(Ok(message)) => match owner_in(message.key(), message.payload()) {
                        Some((partition, owner)) => {
                            heard.hear(partition, owner.epoch);
                            directory.learn(partition, owner);
                        }
                        None => {
                            tracing::warn!("a record in the directory of owners is not by a node, and passed over");
                        }
                    },
                    Some(Err(error)) => tracing::debug!("the directory of owners cannot be read now: {error}"),
                    None => {}
                }
            }
        };
        let reader = std::thread::Builder::new().name("owners".to_owned()).spawn(read)?;
        Ok(Self { speaker, stop, reader: Some(reader) })
    }

    /// Tells all nodes that this one owns a partition, until that is the topic's last word or a later owner's is.
    pub fn announce(&self, partition: u32, owner: &Owner) {
        let said = Said { owner: owner.clone(), at: Instant::now(), stands: false };
        self.speaker.said.lock().insert(partition, said);
        self.speaker.say(partition, owner);
    }
}

/// What this node says in the topic.
struct Speaker {
    producer: ThreadedProducer<Patient>,
    topic: String,
    /// By partition, until a later owner was heard.
    said: Mutex<HashMap<u32, Said>>,
}

struct Said {
    owner: Owner,
    /// When it was said last.
    at: Instant,
    /// Whether the last record that was read of the partition is it: only that one is left when the topic is compacted.
    stands: bool,
}

impl Speaker {
    fn say(&self, partition: u32, owner: &Owner) {
        let (key, value) = (partition.to_string(), serde_json::to_vec(owner).unwrap_or_default());
        let record = BaseRecord::to(&self.topic).partition(0).key(&key).payload(&value);
        if let Err((error, _)) = self.producer.send(record) {
            tracing::warn!(partition, "other nodes were not told of the owner: {error}");
        }
    }

    fn hear(&self, partition: u32, epoch: u64) {
        if let Entry::Occupied(mut said) = self.said.lock().entry(partition) {
            if epoch > said.get().owner.epoch {
                said.remove();
            } else {
                let said = said.get_mut();
                said.stands = epoch == said.owner.epoch;
            }
        }
    }

    fn say_again(&self, now: Instant) {
        for (partition, said) in self.said.lock().iter_mut() {
            if !said.stands && now.saturating_duration_since(said.at) >= AGAIN {
                said.at = now;
                self.say(*partition, &said.owner);
            }
        }
    }
}

fn owner_in(key: Option<&[u8]>, value: Option<&[u8]>) -> Option<(u32, Owner)> {
    let partition = std::str::from_utf8(key?).ok()?.parse().ok()?;
    Some((partition, serde_json::from_slice(value?).ok()?))
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
