//! The stream of what consumers gave up: a log of its own, on which nothing is folded.
//!
//! On the embedded log it is a second log with one partition, in `dead-letters/` beside it; on Kafka the topic
//! `duolog.dead-letters`. Its records are events of the kind `dead.letter` in the envelope of all others, in the partition
//! that the account would have there.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use duolog_topics::{Account, Authority, DeadLetter, DecodeError, Envelope, Event, Millis, RawJson, partition_of};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;

use super::Delivery;
use crate::clock::Clock;
use crate::domain::rows::Pointer;
use crate::engine::{Aside, Ids, or_undecodable, record_of, system_account};
use crate::limits;
use crate::log::{Log, LogError, ReadLimit, Record, first_at};

/// Who gave up, in letters about records that no version of the fold can decode. No consumer has this name.
pub const FOLD: &str = "fold";
/// The largest record that is copied into a letter.
const COPIED_BYTES: usize = 256 << 10;

/// Where the stream is, before anybody needs it.
pub trait Place: Send + Sync {
    /// Whether something may have been written into it.
    fn is_there(&self) -> bool;

    /// Opens the stream, or makes it.
    ///
    /// # Errors
    /// As the log's provider.
    fn open(&self) -> Result<Arc<dyn Log>, LogError>;
}

/// A log that is open already.
impl Place for Arc<dyn Log> {
    fn is_there(&self) -> bool {
        true
    }

    fn open(&self) -> Result<Arc<dyn Log>, LogError> {
        Ok(self.clone())
    }
}

/// The stream, opened when it is first needed. Cloning is cheap.
#[derive(Clone)]
pub struct DeadLetters {
    place: Arc<dyn Place>,
    log: Arc<Mutex<Option<Arc<dyn Log>>>>,
    ids: Arc<Ids>,
    /// For letters of the fold, which has none.
    clock: Clock,
}

impl DeadLetters {
    pub fn new(place: impl Place + 'static) -> Self {
        let (ids, clock) = (Arc::new(Ids::from_system()), Clock::anchored(0));
        Self { place: Arc::new(place), log: Arc::default(), ids, clock }
    }

    /// The stream as a log.
    ///
    /// # Errors
    /// If it is not open yet and cannot be opened.
    pub fn log(&self) -> Result<Arc<dyn Log>, LogError> {
        let mut log = self.log.lock();
        if let Some(log) = &*log {
            return Ok(log.clone());
        }
        Ok(log.insert(self.place.open()?).clone())
    }

    /// Lets letters go that were written before a time; none are made for it.
    ///
    /// # Errors
    /// As [`Log::trim`].
    pub fn trim_before(&self, time: Millis) -> Result<(), LogError> {
        if !self.place.is_there() {
            return Ok(());
        }
        let log = self.log()?;
        for partition in 0..log.partitions() {
            let below = first_at(log.as_ref(), partition, time)?;
            if below > log.bounds(partition)?.first {
                log.trim(partition, below)?;
                tracing::info!(partition, "dead letters are trimmed below offset {below}");
            }
        }
        Ok(())
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
        self.write(&envelope, letter)
    }

    /// A letter of the fold's about a record that no version of it can decode, with the record as it is.
    fn undecodable(at: Pointer, record: &Record, why: &DecodeError) -> DeadLetter {
        // What is larger than any record of ours would not fit into one: of that the letter says the place alone.
        let fits = record.size() <= COPIED_BYTES;
        let [key, header, payload] =
            [&record.key, &record.header, &record.payload].map(|bytes| fits.then(|| STANDARD.encode(bytes)));
        let copy = json!({ "key": key, "time": record.time, "header": header, "payload": payload });
        DeadLetter {
            consumer: FOLD.to_owned(),
            delivery: format!("{}-{}-{}", at.generation, at.partition, at.offset),
            generation: at.generation,
            partition: at.partition,
            offset: at.offset,
            reason: why.to_string(),
            tries: 1,
            payload: RawJson::from_checked(copy.to_string()),
        }
    }

    fn write(&self, envelope: &Envelope, letter: DeadLetter) -> Result<(), LogError> {
        let log = self.log()?;
        let partition = partition_of(envelope.account.as_bytes(), log.partitions());
        log.append(partition, vec![record_of(envelope, &letter.into())]).map(drop)
    }
}

impl Aside for DeadLetters {
    /// The letter stands under the record's account, if it has one. Its payload is the record: `key`, `header` and `payload`
    /// in base64, and `time`.
    fn keep(&self, at: Pointer, record: &Record, why: &DecodeError) -> Result<(), LogError> {
        let now = self.clock.now();
        let account = Account::try_from(&record.key[..]).unwrap_or_else(|_| system_account());
        let envelope = Envelope { id: self.ids.event_id(now), time: now, account, authority: Authority::Epoch(0) };
        self.write(&envelope, Self::undecodable(at, record, why))
    }
}

/// Visits the letters of a stream that are not older than `since`, partition by partition, oldest first.
///
/// # Errors
/// If the log cannot be read, or holds what a later program wrote. What no program can decode is passed over.
pub fn read<E: From<LogError> + From<DecodeError>>(
    log: &dyn Log,
    since: Millis,
    mut visit: impl FnMut(Envelope, DeadLetter) -> Result<(), E>,
) -> Result<(), E> {
    let limit = ReadLimit { records: limits::CONSUMER_READ_RECORDS, bytes: limits::CONSUMER_READ_BYTES };
    for partition in 0..log.partitions() {
        let mut next = first_at(log, partition, since)?.max(log.bounds(partition)?.first);
        loop {
            let records = log.read(partition, next, limit)?;
            let Some(last) = records.last() else { break };
            next = last.offset + 1;
            for stored in &records {
                let record = &stored.record;
                let decoded = Envelope::decode(&record.key, record.time, &record.header, &record.payload);
                if let Ok((envelope, Event::DeadLetter(letter))) = or_undecodable(decoded)? {
                    visit(envelope, letter)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumers::Lane;
    use crate::log::MemoryLog;

    #[derive(Debug, thiserror::Error)]
    enum Unreadable {
        #[error(transparent)]
        Log(#[from] LogError),
        #[error(transparent)]
        Decode(#[from] DecodeError),
    }

    fn letter(letters: &DeadLetters, account: &str, now: Millis) {
        let account = Account::new(account).unwrap();
        let lane = Lane::of([&account]);
        let id = format!("{account}-{now}");
        let delivery = Delivery { id, account, at: Pointer::default(), time: 1, lane, payload: 7 };
        letters.append("c", &delivery, "it was down", 3, now).unwrap();
    }

    fn kept(log: &dyn Log) -> Vec<String> {
        let mut kept = Vec::new();
        read(log, 0, |_, letter| {
            kept.push(letter.delivery);
            Ok::<_, Unreadable>(())
        })
        .unwrap();
        kept.sort();
        kept
    }

    #[test]
    fn letters_go_when_they_are_old_in_every_partition() {
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new(3));
        let letters = DeadLetters::new(log.clone());
        for now in [1_000, 2_000, 3_000] {
            ["alice", "bob", "carol", "dora"].iter().for_each(|account| letter(&letters, account, now));
        }
        assert_eq!(kept(log.as_ref()).len(), 12);
        letters.trim_before(3_000).unwrap();
        assert_eq!(kept(log.as_ref()), ["alice-3000", "bob-3000", "carol-3000", "dora-3000"]);
    }

    /// A record that nobody can decode is copied as it is; one that no letter can hold is named by its place.
    #[test]
    fn what_nobody_can_decode_is_copied() {
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new(3));
        let letters = DeadLetters::new(log.clone());
        let at = Pointer { generation: 1, partition: 2, offset: 3 };
        let small = Record { key: "alice".into(), time: 7, header: "h".into(), payload: vec![0xff].into() };
        let large = Record { payload: vec![0; COPIED_BYTES].into(), key: vec![0; 100].into(), ..small.clone() };
        for record in [&small, &large] {
            letters.keep(at, record, &DecodeError::Header("header is cut short")).unwrap();
        }
        let mut found = Vec::new();
        read(log.as_ref(), 0, |envelope, letter| {
            assert_eq!((letter.consumer.as_str(), letter.delivery.as_str()), (FOLD, "1-2-3"));
            assert!(letter.reason.contains("cut short"), "{}", letter.reason);
            found.push((envelope.account.to_string(), letter.payload.as_str().to_owned()));
            Ok::<_, Unreadable>(())
        })
        .unwrap();
        found.sort();
        let copy = r#"{"header":"aA==","key":"YWxpY2U=","payload":"/w==","time":7}"#;
        assert!(found.contains(&("alice".to_owned(), copy.to_owned())), "{found:?}");
        let named = r#"{"header":null,"key":null,"payload":null,"time":7}"#;
        assert!(found.contains(&(system_account().to_string(), named.to_owned())), "{found:?}");
    }

    /// Where nothing was given up no stream is made.
    #[test]
    fn a_stream_that_is_not_there_is_not_made_to_be_trimmed() {
        struct Nowhere;
        impl Place for Nowhere {
            fn is_there(&self) -> bool {
                false
            }

            fn open(&self) -> Result<Arc<dyn Log>, LogError> {
                panic!("nobody needs it")
            }
        }
        assert_eq!(DeadLetters::new(Nowhere).trim_before(1), Ok(()));
    }
}
