//! The administrative calls, for callers that wait.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake};
use std::thread::Thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::context::Context;
use super::settings::KafkaSettings;
use crate::log::LogError;

const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Admin {
    client: AdminClient<Context>,
}

/// A topic as the brokers have it.
pub(super) struct Topic {
    pub partitions: u32,
    /// Replicas of the partition that has the fewest.
    pub replicas: u32,
}

impl Admin {
    /// # Errors
    /// [`LogError::Open`] if librdkafka refuses the settings.
    pub fn new(settings: &KafkaSettings) -> Result<Self, LogError> {
        let client = settings.client()?.create_with_context(Context).map_err(super::refused)?;
        Ok(Self { client })
    }

    /// The topic, if there is one.
    ///
    /// # Errors
    /// If no broker answers in time.
    pub fn topic(&self, name: &str, timeout: Duration) -> Result<Option<Topic>, KafkaError> {
        let metadata = self.client.inner().fetch_metadata(Some(name), timeout)?;
        let found = metadata.topics().iter().find(|topic| topic.name() == name);
        Ok(found.filter(|topic| topic.error().is_none() && !topic.partitions().is_empty()).map(|topic| Topic {
            partitions: topic.partitions().len() as u32,
            replicas: topic.partitions().iter().map(|partition| partition.replicas().len() as u32).min().unwrap_or(0),
        }))
    }

    /// Makes a topic; one that is there already is left as it is.
    ///
    /// # Errors
    /// If the brokers refuse.
    pub fn create(&self, topic: &NewTopic<'_>) -> Result<(), KafkaError> {
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
        let results = wait(self.client.create_topics([topic], &options))?;
        match results.into_iter().next() {
            Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => Err(KafkaError::AdminOp(code)),
            _ => Ok(()),
        }
    }

    /// A topic's settings.
    ///
    /// # Errors
    /// If the brokers refuse.
    pub fn settings(&self, topic: &str) -> Result<ConfigResource, KafkaError> {
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let results = wait(self.client.describe_configs([&ResourceSpecifier::Topic(topic)], &options))?;
        let result = results.into_iter().next().unwrap_or(Err(RDKafkaErrorCode::UnknownTopicOrPartition));
        result.map_err(KafkaError::AdminOp)
    }

    /// Deletes a partition's records below an offset; where the partition begins now.
    ///
    /// # Errors
    /// If its leader refuses.
    pub fn delete_records(&self, topic: &str, partition: u32, below: u64) -> Result<u64, KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition.cast_signed(), Offset::Offset(below.cast_signed()))?;
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT));
        let list = wait(self.client.delete_records(&list, &options))?;
        let element = list.find_partition(topic, partition.cast_signed());
        let element = element.ok_or(KafkaError::AdminOp(RDKafkaErrorCode::UnknownPartition))?;
        element.error()?;
        match element.offset() {
            Offset::Offset(first) => Ok(first.max(0).cast_unsigned()),
            _ => Err(KafkaError::AdminOp(RDKafkaErrorCode::Fail)),
        }
    }
}

/// Runs a future to its end on this thread: the client's own thread makes it ready.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
