//! The log: partitions of records that are never changed once they are durable.
//!
//! This module knows bytes, partitions and offsets, and no event. What a provider promises:
//!
//! ```text
//!            trim(p, 3)                      append(p, [r8, r9])
//!               │                                  │
//!   partition p ▼                                  ▼
//!   ░░░ ░░░ ░░░ ┌───┬───┬───┬───┬───┐            ┌╌╌╌┬╌╌╌┐
//!    0   1   2  │ 3 │ 4 │ 5 │ 6 │ 7 │            ╎ 8 ╎ 9 ╎
//!               └───┴───┴───┴───┴───┘            └╌╌╌┴╌╌╌┘
//!               ▲                   ▲                    ▲
//!             first           high watermark            end
//!                       (first offset not yet durable)
//! ```
//!
//! 1. `append` returns when every record of the batch is durable, with their offsets, which ascend in the order of the
//!    batch. Either the whole batch becomes readable or, after an error, perhaps some of it, later: an error that is
//!    not [`LogError::Unknown`] means that nothing was and will be written.
//! 2. A record below the high watermark never changes and never moves, and a record at or above it is never returned.
//! 3. `read` returns records in the order of their offsets, without a hole above `first`.
//! 4. Batches of one partition are ordered as their `append` calls returned; several callers may append at once.
//! 5. A record that is damaged is never returned: reading it is [`LogError::Damaged`].
//! 6. After a failed sync the provider refuses every further append ([`LogError::Poisoned`]) until it is opened again.
//! 7. `trim` may keep more than it is asked to, never less. No offset is ever given twice, whatever was trimmed.

pub mod conformance;
pub mod embedded;
mod error;
pub mod kafka;
pub mod memory;
mod record;
mod search;
mod tail;

use std::time::Duration;

pub use embedded::EmbeddedLog;
pub use error::LogError;
pub use kafka::KafkaLog;
pub use memory::MemoryLog;
pub use record::{Record, Stored};
pub use search::first_at;

/// Bytes of one batch at most, as [`Record::size`] counts them.
pub const MAX_BATCH_BYTES: usize = 16 << 20;

/// The places of a partition that matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The oldest record that can be read.
    pub first: u64,
    /// The first offset that cannot be read yet.
    pub high_watermark: u64,
}

/// How much one `read` returns at most; the first record always comes, whatever its size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadLimit {
    pub records: usize,
    pub bytes: usize,
}

impl ReadLimit {
    /// The records that one read returns of those that it could.
    fn take(self, records: impl IntoIterator<Item = Stored>) -> Vec<Stored> {
        let mut taken = Taken::new(self);
        records.into_iter().take_while(|stored| taken.fits(stored)).collect()
    }
}

/// How much of a [`ReadLimit`] a read has used up.
struct Taken {
    limit: ReadLimit,
    records: usize,
    bytes: usize,
}

impl Taken {
    fn new(limit: ReadLimit) -> Self {
        Self { limit, records: 0, bytes: 0 }
    }

    /// Whether one more record may be returned, and counts it if so.
    fn fits(&mut self, next: &Stored) -> bool {
        self.bytes = self.bytes.saturating_add(next.record.size());
        self.records += 1;
        self.records == 1 || (self.records <= self.limit.records && self.bytes <= self.limit.bytes)
    }
}

/// One log. See the module for the promise; `conformance` is the suite that every provider passes.
pub trait Log: Send + Sync + 'static {
    fn partitions(&self) -> u32;

    /// Appends a batch and waits until it is durable; the offsets in the order of the batch.
    ///
    /// # Errors
    /// [`LogError::Busy`], [`LogError::Poisoned`], [`LogError::TooLarge`] (above [`MAX_BATCH_BYTES`]): nothing was written.
    /// [`LogError::Unknown`]: it may have been.
    fn append(&self, partition: u32, batch: Vec<Record>) -> Result<Vec<u64>, LogError>;

    /// How many records one appender best puts into an append when more wait: so many that what an append costs by itself
    /// no longer counts, and so few that what comes after it, and the next one, go on side by side.
    fn batch_records(&self) -> usize {
        crate::limits::APPEND_RECORDS
    }

    /// Reads from an offset; empty at the high watermark.
    ///
    /// # Errors
    /// [`LogError::Trimmed`] below `first`; [`LogError::Damaged`]; [`LogError::Unreachable`] if it can be read later.
    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError>;

    /// Waits until the high watermark is above `from`, or for `timeout`; returns it either way.
    ///
    /// # Errors
    /// If the log has become unreadable.
    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError>;

    /// Makes readers return that wait now; used to stop. One that begins to wait later is not concerned: so set what it
    /// looks at first, and wait with a time-out.
    fn wake(&self, partition: u32);

    /// Allows the log to forget records below an offset.
    ///
    /// # Errors
    /// If the provider could not do it; nothing is lost, and a later call may.
    fn trim(&self, partition: u32, below: u64) -> Result<(), LogError>;

    /// # Errors
    /// If the provider cannot tell.
    fn bounds(&self, partition: u32) -> Result<Bounds, LogError>;
}
