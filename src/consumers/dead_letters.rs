//! The stream of what consumers gave up: a log of its own, on which nothing is folded.
//!
//! On the embedded log it is a second log with one partition, in `dead-letters/` beside it; on Kafka the topic
//! `duolog.dead-letters`. Its records are events of the kind `dead.letter` in the envelope of all others.

use std::sync::Arc;

use duolog_topics::{Authority, DeadLetter, DecodeError, Envelope, Event, Millis, RawJson, partition_of};
use serde::Serialize;

use super::Delivery;
use crate::engine::{Ids, record_of};
use crate::limits;
use crate::log::{Log, LogError, ReadLimit};

/// The stream. Cloning is cheap.
#[derive(Clone)]
pub struct DeadLetters {
    log: Arc<dyn Log>,
    ids: Arc<Ids>,
}

impl DeadLetters {
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self { log, ids: Arc::new(Ids::from_system()) }
    }

    /// Appends what was given up and waits until it is durable. It blocks on the disk.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn append<P: Serialize>(
        &self,
        consumer: &str,
        delivery: &Delivery<P>,
        reason: &str,
        tries: u32,
        now: Millis,
    ) -> Result<(), LogError> {
        let payload = RawJson::encode(&delivery.payload);
        let letter = DeadLetter {
            consumer: consumer.to_owned(),
            delivery: delivery.id.clone(),
            generation: delivery.at.generation,
            partition: delivery.at.partition,
            offset: delivery.at.offset,
            reason: reason.to_owned(),
            tries,
            payload: payload.unwrap_or_else(|_| RawJson::from_checked("null")),
        };
        let id = self.ids.event_id(now);
        let envelope = Envelope { id, time: now, account: delivery.account.clone(), authority: Authority::Epoch(0) };
        let partition = partition_of(envelope.account.as_bytes(), self.log.partitions());
        self.log.append(partition, vec![record_of(&envelope, &letter.into())]).map(drop)
    }
}

/// Visits the letters of a stream that are not older than `since`, partition by partition, oldest first.
///
/// # Errors
/// If the log cannot be read, or holds something else.
pub fn read<E: From<LogError> + From<DecodeError>>(
    log: &dyn Log,
    since: Millis,
    mut visit: impl FnMut(Envelope, DeadLetter) -> Result<(), E>,
) -> Result<(), E> {
    let limit = ReadLimit { records: limits::CONSUMER_READ_RECORDS, bytes: limits::CONSUMER_READ_BYTES };
    for partition in 0..log.partitions() {
        let mut next = crate::log::first_at(log, partition, since)?.max(log.bounds(partition)?.first);
        loop {
            let records = log.read(partition, next, limit)?;
            let Some(last) = records.last() else { break };
            next = last.offset + 1;
            for stored in &records {
                let record = &stored.record;
                let (envelope, event) = Envelope::decode(&record.key, record.time, &record.header, &record.payload)?;
                if let Event::DeadLetter(letter) = event {
                    visit(envelope, letter)?;
                }
            }
        }
    }
    Ok(())
}
