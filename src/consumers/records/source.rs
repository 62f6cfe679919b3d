use std::collections::{HashMap, VecDeque};
use std::ops::{Bound, ControlFlow};

use duolog_topics::{Account, Envelope, Event, MessageSent, Millis};

use super::{Home, RecordsError};
use crate::domain::rows::{Direction, KeyRange, KeyReader, MessageRow, Pointer, Row as _, RowsError, Table};
use crate::log::{Log, LogError, ReadLimit, Stored};
use crate::records::{Hour, UtcOffset};

const LIMIT: ReadLimit = ReadLimit { records: 1_024, bytes: 4 << 20 };

/// A message that took effect.
pub(super) struct Message {
    /// Of its record time; where a clock went back between two owners, a later file takes it.
    pub hour: Hour,
    /// Record time.
    pub time: Millis,
    pub from: Account,
    /// Those that the sender was told had got it.
    pub receivers: Vec<Account>,
    pub message_time: Millis,
    pub sent: MessageSent,
}

/// The messages of one partition that took effect, in the order of the log. It holds a read's worth of them.
pub(super) struct Source<'h> {
    log: &'h dyn Log,
    home: &'h Home,
    offset: UtcOffset,
    /// The first offset that was not read.
    next: u64,
    read: VecDeque<(u64, Message)>,
}

impl<'h> Source<'h> {
    pub fn new(log: &'h dyn Log, home: &'h Home, next: u64, offset: UtcOffset) -> Self {
        Self { log, home, offset, next, read: VecDeque::new() }
    }

    /// The next message; none at the end of what is folded.
    pub fn head(&mut self) -> Result<Option<&Message>, RecordsError> {
        while self.read.is_empty() && self.next < self.home.end {
            self.fill()?;
        }
        Ok(self.read.front().map(|(_, message)| message))
    }

    pub fn take(&mut self) -> Option<Message> {
        self.read.pop_front().map(|(_, message)| message)
    }

    /// Where the next message stands, or the end.
    pub fn next_offset(&self) -> u64 {
        self.read.front().map_or(self.next, |(offset, _)| *offset)
    }

    fn fill(&mut self) -> Result<(), RecordsError> {
        let mut batch = self.log.read(self.home.partition, self.next, LIMIT)?;
        batch.retain(|stored| stored.offset < self.home.end);
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
            // On Kafka a read ends at the mark as it was heard here last, and what is folded may be beyond it.
            let Home { partition, end, .. } = self.home;
            let what = format!("partition {partition} ends at offset {}, before {end}", self.next);
            return Err(LogError::Failed(what).into());
        };
        let mut rows = self.rows(first.offset, last.offset)?;
        self.next = last.offset + 1;
        for stored in &batch {
            // What left no message was repeated, refused, superseded, online-only, or no message at all.
            if let Some(row) = rows.remove(&stored.offset)
                && let Some(message) = self.join(stored, &row)?
            {
                self.read.push_back((stored.offset, message));
            }
        }
        Ok(())
    }

    /// What the fold kept of the records between two offsets, both included. What it kept of a folded record stays.
    fn rows(&self, first: u64, last: u64) -> Result<HashMap<u64, MessageRow>, RecordsError> {
        let meta = &self.home.meta;
        let key = |offset| {
            let pointer = Pointer { generation: meta.generation, partition: meta.partition, offset };
            MessageRow::key(pointer).into_bytes()
        };
        let mut rows = HashMap::new();
        let mut visit = |key: &[u8], value: &[u8]| match read_row(key, value) {
            Ok((offset, row)) => {
                rows.insert(offset, row);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(Err(error)),
        };
        self.home.engine.look(self.home.partition, |mailbox, _| {
            let mut next = first;
            while next <= last {
                let end = last.min(next | (MessageRow::BESIDE - 1));
                let (from, until) = (key(next), key(end));
                let range = KeyRange { from: Bound::Included(&from), until: Bound::Included(&until) };
                mailbox.rows.scan(range, Direction::Forward, &mut visit)?;
                next = end + 1;
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// The text is the record's: a recall empties the row's. A carried message is its sender's home's.
    fn join(&self, stored: &Stored, row: &MessageRow) -> Result<Option<Message>, RecordsError> {
        let record = &stored.record;
        let (envelope, event) = Envelope::decode(&record.key, record.time, &record.header, &record.payload)
            .map_err(|source| RecordsError::Decode { offset: stored.offset, source })?;
        let Event::MessageSent(sent) = event else { return Ok(None) };
        let unknown = |receiver: &Account| {
            row.deliveries.iter().any(|delivery| delivery.receiver == *receiver && delivery.is_unknown())
        };
        let receivers = sent.receivers.iter().filter(|receiver| !unknown(receiver)).cloned().collect();
        Ok(Some(Message {
            hour: Hour::of(record.time, self.offset),
            time: record.time,
            from: envelope.account,
            receivers,
            message_time: row.message_time,
            sent,
        }))
    }
}

fn read_row(key: &[u8], value: &[u8]) -> Result<(u64, MessageRow), RowsError> {
    let mut key = KeyReader::new(key, Table::Message)?;
    let (_generation, _partition) = (key.u32()?, key.u32()?);
    Ok((key.u64()?, MessageRow::decode(value)?))
}
