//! The consumer group that shares partitions out among nodes. Nothing is consumed through it, and no position is committed:
//! records are read by hand, from where the state stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::bindings::rd_kafka_resp_err_t as Event;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::ClusterError;
use super::keeper::Keeper;
use crate::log::kafka::KafkaSettings;

/// How long a poll waits for something to happen.
const ROUND: Duration = Duration::from_millis(100);
/// A node that is silent for so long has lost its partitions.
const SESSION_MS: &str = "10000";
const HEARTBEAT_MS: &str = "2500";
/// How long the group waits for partitions to be let go: less than that, so that the node is not lost over it.
const LET_GO: Duration = Duration::from_secs(6);
/// How long leaving may take; librdkafka can hang for minutes on brokers that are gone.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// Membership in the group, until it is dropped.
pub struct Group {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    closed: std::sync::mpsc::Receiver<()>,
}

struct Membership {
    keeper: Keeper,
    topic: String,
}

impl Group {
    /// Joins as `node`, which must be the name of no other member: a node that comes back under its name within the session
    /// time-out gets back what it had.
    ///
    /// # Errors
    /// If the client refuses its settings.
    pub fn join(settings: &KafkaSettings, node: &str, keeper: Keeper) -> Result<Self, ClusterError> {
        let topic = settings.events();
        let mut config = settings.client()?;
        config
            .set("group.id", format!("{}nodes", settings.topic_prefix))
            .set("group.instance.id", node)
            .set("group.protocol", "classic")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", SESSION_MS)
            .set("heartbeat.interval.ms", HEARTBEAT_MS)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        let consumer: BaseConsumer<Membership> =
            config.create_with_context(Membership { keeper, topic: topic.clone() })?;
        consumer.subscribe(&[&topic])?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, (done, closed)) = (stop.clone(), std::sync::mpsc::channel());
        let run = move || {
            while !stopped.load(Ordering::Acquire) {
                // Rebalances are told in here; records are not fetched.
                if let Some(Err(error)) = consumer.poll(ROUND) {
                    tracing::debug!("the group of nodes: {error}");
                }
            }
            drop(consumer);
            let _ = done.send(());
        };
        let thread = std::thread::Builder::new().name("group".to_owned()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread), closed })
    }
}

impl Drop for Group {
    /// Leaves, and waits for it only so long.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if self.closed.recv_timeout(CLOSE_TIME).is_err() {
            tracing::warn!("the group of nodes is not left yet; the brokers will notice");
        } else if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl ClientContext for Membership {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("the group of nodes: {error}: {reason}");
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: Event, list: &mut TopicPartitionList) {
        let partitions: Vec<u32> =
            list.elements().iter().filter_map(|element| u32::try_from(element.partition()).ok()).collect();
        let done = match event {
            Event::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                tracing::info!(?partitions, "assigned");
                self.assign(consumer, &partitions)
            }
            Event::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                tracing::info!(?partitions, lost = consumer.assignment_lost(), "revoked");
                self.keeper.revoked(partitions, LET_GO);
                consumer.incremental_unassign(list)
            }
            _ => {
                self.keeper.stop(LET_GO);
                consumer.unassign()
            }
        };
        if let Err(error) = done {
            tracing::warn!("the group of nodes: {error}");
        }
    }
}

impl Membership {
    fn assign(&self, consumer: &BaseConsumer<Self>, partitions: &[u32]) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition_offset(&self.topic, partition.cast_signed(), Offset::End)?;
        }
        consumer.incremental_assign(&list)?;
        if let Err(error) = self.keeper.assigned(partitions.iter().copied()) {
            tracing::error!("partitions cannot be taken over: {error}");
        }
        // Records come on another way.
        consumer.pause(&list)
    }
}
