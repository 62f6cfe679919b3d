use std::collections::VecDeque;
use std::time::Duration;

use rdkafka::Message;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::context::Context;
use super::message;
use super::settings::HeaderCodec;
use crate::log::{ReadLimit, Stored, Taken};

/// A place in a partition from which records come in order, and those that have come and were not read yet.
#[derive(Default)]
pub(super) struct Cursor {
    queue: Option<PartitionQueue<Context>>,
    /// The offset that comes next out of the queue; none if nothing is being fetched.
    next: Option<u64>,
    ready: VecDeque<Stored>,
}

/// Why records do not come.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The partition has no such offset, says its leader.
    OutOfRange,
    /// A record's bytes are not what was written.
    BadBytes,
    /// Offsets are missing before this one.
    Hole { next: u64 },
    /// It does not pass by itself.
    Lasting(RDKafkaErrorCode),
}

impl Cursor {
    /// The offset that a read would get first.
    pub fn position(&self) -> Option<u64> {
        self.ready.front().map(|stored| stored.offset).or(self.next)
    }

    /// Starts again: what comes out of the queue from now on begins at `next`.
    pub fn begin(&mut self, next: u64, queue: Option<PartitionQueue<Context>>) {
        self.ready.clear();
        self.next = Some(next);
        if queue.is_some() {
            self.queue = queue;
        }
    }

    /// Whether a queue was made for it before.
    pub fn has_queue(&self) -> bool {
        self.queue.is_some()
    }

    /// Takes what has come, as much as a read of `limit` needs, and waits for the first record if there is none.
    ///
    /// # Errors
    /// [`Trouble`], once what came before it has been read; nothing is fetched any more then.
    pub fn gather(&mut self, limit: ReadLimit, wait: Duration, codec: HeaderCodec) -> Result<(), Trouble> {
        let (mut records, mut bytes) = (self.ready.len(), self.ready.iter().map(|ready| ready.record.size()).sum());
        while records == 0 || (records < limit.records && bytes < limit.bytes) {
            let wait = if records == 0 { wait } else { Duration::ZERO };
            match self.take_one(wait, codec) {
                Ok(Some(stored)) => {
                    records += 1;
                    bytes = stored.record.size().saturating_add(bytes);
                    self.ready.push_back(stored);
                }
                Ok(None) => break,
                // It is told again when the records before it are gone: the fetch starts at the same place.
                Err(_) if records > 0 => {
                    self.next = None;
                    break;
                }
                Err(trouble) => {
                    self.next = None;
                    return Err(trouble);
                }
            }
        }
        Ok(())
    }

    fn take_one(&mut self, wait: Duration, codec: HeaderCodec) -> Result<Option<Stored>, Trouble> {
        let (Some(queue), Some(next)) = (&self.queue, self.next) else { return Ok(None) };
        match queue.poll(wait) {
            None => Ok(None),
            Some(Ok(message)) => {
                let offset = message.offset().cast_unsigned();
                if offset != next {
                    return Err(Trouble::Hole { next: offset });
                }
                self.next = Some(next + 1);
                Ok(Some(message::stored(&message, codec)))
            }
            Some(Err(error)) => trouble(&error).map_or(Ok(None), Err),
        }
    }

    /// What has come, within a limit.
    pub fn take(&mut self, limit: ReadLimit) -> Vec<Stored> {
        let mut taken = Taken::new(limit);
        let fitting = self.ready.iter().take_while(|stored| taken.fits(stored)).count();
        self.ready.drain(..fitting).collect()
    }

    /// The offset after the last record that has come.
    pub fn reached(&self) -> Option<u64> {
        self.ready.back().map(|stored| stored.offset + 1)
    }
}

/// What an error says about the partition; none if librdkafka tries again by itself.
fn trouble(error: &KafkaError) -> Option<Trouble> {
    use RDKafkaErrorCode::{
        AutoOffsetReset, BadMessage, OffsetOutOfRange, TopicAuthorizationFailed, UnknownPartition, UnknownTopic,
        UnknownTopicOrPartition,
    };
    match error.rdkafka_error_code()? {
        AutoOffsetReset | OffsetOutOfRange => Some(Trouble::OutOfRange),
        BadMessage => Some(Trouble::BadBytes),
        code @ (UnknownTopic | UnknownPartition | UnknownTopicOrPartition | TopicAuthorizationFailed) => {
            Some(Trouble::Lasting(code))
        }
        code => {
            tracing::debug!("kafka consumer: {code}");
            None
        }
    }
}
