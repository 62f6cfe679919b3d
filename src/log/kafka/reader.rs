use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::REST;
use super::context::{Context, ROUND, Serving};
use super::cursor::Cursor;
use super::partition::Partition;
use super::settings::{KafkaSettings, Stream};
use crate::log::LogError;

/// librdkafka answers at once; only a client that is being closed would not.
const SEEK_TIMEOUT: Duration = Duration::from_secs(1);

/// A consumer without a group: each partition is fetched from where somebody reads, into a queue of its own.
pub(super) struct Reader {
    /// Goes first: it holds the consumer, too.
    _serving: Serving,
    consumer: Arc<BaseConsumer<Context>>,
    topic: String,
}

impl Reader {
    /// # Errors
    /// [`LogError::Open`] if librdkafka refuses the settings.
    pub fn new(settings: &KafkaSettings, stream: Stream) -> Result<Self, LogError> {
        let consumer: BaseConsumer<Context> =
            settings.consumer()?.create_with_context(Context).map_err(super::refused)?;
        let consumer = Arc::new(consumer);
        let served = consumer.clone();
        // Errors and lines of log come here; records have their own queues.
        let serve = move || drop(served.poll(ROUND));
        let serving = Serving::start("kafka-events", serve).map_err(super::refused)?;
        Ok(Self { _serving: serving, consumer, topic: settings.topic(stream) })
    }

    /// Makes a cursor of this reader go on from an offset.
    ///
    /// # Errors
    /// [`LogError::Failed`] if librdkafka refuses.
    pub fn place(&self, cursor: &mut Cursor, id: u32, partition: &Arc<Partition>, from: u64) -> Result<(), LogError> {
        if cursor.has_queue() {
            self.move_to(id, from).map_err(|error| LogError::Failed(format!("no reading from {from}: {error}")))?;
            cursor.begin(from, None);
            return Ok(());
        }
        // The queue comes first, so that nothing is put into the consumer's common one.
        let queue = self.queue(id, partition);
        let queue = queue.ok_or_else(|| LogError::Failed("librdkafka has no queue for a partition".into()))?;
        self.assign(id, from).map_err(|error| LogError::Failed(format!("no reading from {from}: {error}")))?;
        cursor.begin(from, Some(queue));
        Ok(())
    }

    fn queue(&self, id: u32, partition: &Arc<Partition>) -> Option<PartitionQueue<Context>> {
        let mut queue = self.consumer.split_partition_queue(&self.topic, id.cast_signed())?;
        let partition = partition.clone();
        queue.set_nonempty_callback(move || partition.stir());
        Some(queue)
    }

    fn move_to(&self, id: u32, from: u64) -> Result<(), KafkaError> {
        let offset = Offset::Offset(from.cast_signed());
        if self.consumer.seek(&self.topic, id.cast_signed(), offset, SEEK_TIMEOUT).is_ok() {
            return Ok(());
        }
        // After an error nothing is fetched, and there is nothing to seek in.
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, id.cast_signed());
        self.consumer.incremental_unassign(&list)?;
        self.assign(id, from)
    }

    fn assign(&self, id: u32, from: u64) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, id.cast_signed(), Offset::Offset(from.cast_signed()))?;
        self.consumer.incremental_assign(&list)
    }

    /// First offset and high watermark, as the partition's leader says. While it has none it is asked again.
    pub fn watermarks(&self, id: u32, timeout: Duration) -> Result<(u64, u64), KafkaError> {
        let until = Instant::now() + timeout;
        let (first, end) = loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.consumer.fetch_watermarks(&self.topic, id.cast_signed(), left) {
                // A broker that comes back answers before it leads again.
                Err(error) if is_without_leader(&error) && left > REST => std::thread::sleep(REST),
                answer => break answer?,
            }
        };
        Ok((first.max(0).cast_unsigned(), end.max(0).cast_unsigned()))
    }
}

/// Whether it says that the partition's leader is another one, or none yet.
fn is_without_leader(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{LeaderNotAvailable, NotLeaderForPartition};
    matches!(error.rdkafka_error_code(), Some(LeaderNotAvailable | NotLeaderForPartition))
}
