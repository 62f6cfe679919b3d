use std::sync::Arc;
use std::sync::atomic::Ordering;

use duolog_topics::{ConsumerAdvance, ConsumersAdvanced, Event, Millis};
use tokio::sync::watch;

use super::partition::Partition;
use super::{Engine, EngineError, appender};
use crate::domain::rows::{ConsumerRow, Direction, KeyRange, MetaRow, Row, RowsError};
use crate::domain::verdict::Verdict;
use crate::log::{LogError, ReadLimit, Stored};
use crate::store::View;

/// One partition as the consumers of its log see it: what is durable, folded and committed, in order, with the rows that
/// the fold made of it, and where they keep their positions. Cloning is cheap.
#[derive(Clone)]
pub struct Tap(Arc<Partition>);

/// Says that somebody reads a partition, until it is dropped: a partition that is let go waits for it, for a while.
pub struct Reading(Arc<Partition>);

impl Engine {
    /// A tap for each partition that is owned here; see [`Engine::moves`].
    pub fn taps(&self) -> Vec<Tap> {
        self.owned_partitions().into_iter().map(Tap).collect()
    }

    /// The tap of a partition, if it is owned here.
    pub fn tap(&self, partition: u32) -> Option<Tap> {
        self.owned(partition).map(Tap)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Tap {
    pub fn partition(&self) -> u32 {
        self.0.id
    }

    /// The epoch in which this process owns the partition: if it comes back after it was gone, another one.
    pub fn epoch(&self) -> u64 {
        self.0.owned_epoch()
    }

    /// Says that the partition is read, from before the first read until after the last position.
    pub fn reading(&self) -> Reading {
        self.0.readers.fetch_add(1, Ordering::AcqRel);
        Reading(self.0.clone())
    }

    /// True as soon as the partition is on its way to another node, or gone: whoever reads it finishes what he has begun
    /// and begins nothing more.
    pub fn leaving(&self) -> watch::Receiver<bool> {
        self.0.leaving.subscribe()
    }

    /// The first offset that is not folded and committed yet.
    pub fn watermark(&self) -> u64 {
        self.0.watermark.load(Ordering::Acquire)
    }

    /// Waits until the watermark is above an offset.
    pub async fn above(&self, offset: u64) {
        loop {
            let committed = self.0.committed.notified();
            tokio::pin!(committed);
            // From here on no commit is missed.
            committed.as_mut().enable();
            if self.watermark() > offset {
                return;
            }
            committed.await;
        }
    }

    /// Reads records below the watermark. It blocks on the disk.
    ///
    /// # Errors
    /// As [`crate::log::Log::read`].
    pub fn read(&self, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        let watermark = self.watermark();
        if from >= watermark {
            return Ok(Vec::new());
        }
        let mut records = self.0.log.read(self.0.id, from, limit)?;
        records.retain(|stored| stored.offset < watermark);
        Ok(records)
    }

    /// The committed rows, as they stand now: at or after every record that was read before.
    pub fn rows(&self) -> View {
        self.0.store.view()
    }

    pub fn meta(&self) -> Arc<MetaRow> {
        self.0.meta()
    }

    /// Unix milliseconds of the appender's clock.
    pub fn now(&self) -> Millis {
        self.0.clock.now()
    }

    /// Every consumer that the partition has recorded, those that are off too.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn consumers(&self) -> Result<Vec<(String, ConsumerRow)>, RowsError> {
        consumers(&self.rows())
    }

    /// Records how far consumers have come, and waits until it is folded.
    ///
    /// # Errors
    /// [`EngineError`]: it may not have been recorded; the next record says the same and more.
    pub async fn advance(&self, consumers: Vec<ConsumerAdvance>) -> Result<(), EngineError> {
        match self.submit(ConsumersAdvanced { consumers }.into()).await? {
            Verdict::Superseded => Err(EngineError::NotOwner { epoch: self.0.epoch() }),
            _ => Ok(()),
        }
    }

    /// Appends what concerns the whole partition, and waits for its verdict.
    ///
    /// # Errors
    /// [`EngineError::Busy`]: nothing was done. Others: it may have been.
    pub async fn submit(&self, event: Event) -> Result<Verdict, EngineError> {
        Ok(self.0.submit(&appender::system_account(), event).await?.verdict)
    }

    /// The first record that a consumer still needs; none if there is no consumer.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn needed_from(&self) -> Result<Option<u64>, RowsError> {
        Ok(self.consumers()?.iter().filter_map(|(_, row)| row.needs_from()).min())
    }

    /// Lets what the fold kept for consumers expire below an offset, and nowhere else.
    pub fn hold_from(&self, offset: u64) {
        if let Some(expiry) = &self.0.expiry {
            expiry.hold_from(offset);
        }
    }
}

/// Every recorded consumer.
///
/// # Errors
/// If rows cannot be read.
pub fn consumers(rows: &dyn crate::domain::rows::Rows) -> Result<Vec<(String, ConsumerRow)>, RowsError> {
    use std::ops::{Bound, ControlFlow};
    let prefix = ConsumerRow::prefix();
    let end = prefix.end_of_prefix();
    let range = KeyRange { from: Bound::Included(prefix.as_slice()), until: Bound::Excluded(&end) };
    let mut found = Vec::new();
    rows.scan(range, Direction::Forward, &mut |key, value| {
        match ConsumerRow::name(key).and_then(|name| Ok((name, ConsumerRow::decode(value)?))) {
            Ok(consumer) => found.push(consumer),
            Err(error) => return ControlFlow::Break(Err(error)),
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}
