//! Folding a log again: from its start, or from a checkpoint, into rows of whatever kind.
//!
//! ```text
//! log ──► decode (a thread of its own) ──► fold ──► target: a store, a map, changes over a store that is read only
//!          batches, bounded queue                   rows and place together, as the owner commits them
//! ```
//!
//! Nobody listens to a fold here: it makes rows and verdicts, and no announcements.

mod base;
mod decode;
mod error;
mod live;
mod target;
#[cfg(test)]
mod tests;

pub use self::base::{Base, base_of};
pub use self::decode::Decoded;
pub use self::error::RebuildError;
pub use self::live::caught_up;
pub use self::target::Target;
use crate::domain::fold::Fold;
use crate::domain::rows::{Changes, MapRows, RowsError};
use crate::domain::verdict::Folded;
use crate::engine::FolderError;
use crate::log::Log;

/// Which records of a log are folded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    pub partition: u32,
    /// The first offset: the one that the target has to fold next.
    pub from: u64,
    /// The first offset that is not folded; the log has to reach there.
    pub end: u64,
}

/// What is told of the records of a fold that goes on for long.
pub trait Watch {
    /// A record was folded, and what it did is not committed yet: `fold` shows the rows after it.
    ///
    /// # Errors
    /// If the watcher cannot read rows; the fold stops.
    fn record(&mut self, _: &Decoded, _: &Folded, _fold: &Fold<'_>) -> Result<(), RowsError> {
        Ok(())
    }

    /// A batch went to the target: the fold stands before the offset `next`.
    fn committed(&mut self, _partition: u32, _next: u64, _end: u64) {}
}

/// Nobody watches.
impl Watch for () {}

/// Folds a span of the log into a target, in batches. Cost: about a fold of the records; they are decoded meanwhile.
///
/// # Errors
/// [`RebuildError`]: the log, a record or the target; what was committed before stays in the target.
pub fn fold_log(log: &dyn Log, span: Span, target: &mut dyn Target, watch: &mut dyn Watch) -> Result<(), RebuildError> {
    let at = |source| RebuildError::Fold { partition: span.partition, source };
    let mut spare = Changes::default();
    decode::with_decoded(log, span, |batch| {
        let decode::Batch { records, applied } = batch;
        let fold = Fold::new(target.rows(), span.partition, false).map_err(FolderError::from).map_err(at)?;
        let mut fold = fold.reusing(std::mem::take(&mut spare));
        let decoded = records.iter().flatten().map(|record| (&record.envelope, &record.event));
        fold.read_ahead(decoded).map_err(FolderError::from).map_err(at)?;
        for record in &records {
            let record = match record {
                Ok(record) => record,
                Err(header) => {
                    fold.pass_over(header).map_err(FolderError::from).map_err(at)?;
                    continue;
                }
            };
            let folded = fold
                .apply(record.offset, &record.envelope, &record.event)
                .map_err(|source| at(FolderError::Fold { offset: record.offset, source }))?;
            watch.record(record, &folded, &fold).map_err(FolderError::from).map_err(at)?;
        }
        let (mut changes, _) = fold.finish();
        target.commit(&mut changes, applied).map_err(FolderError::from).map_err(at)?;
        watch.committed(span.partition, applied.next, span.end);
        changes.clear();
        spare = changes;
        Ok(())
    })
}

/// Folds a whole partition in memory: for tests and small logs.
///
/// # Errors
/// [`RebuildError`]; also if the log does not begin at offset 0.
pub fn in_memory(log: &dyn Log, partition: u32) -> Result<MapRows, RebuildError> {
    let end = log.bounds(partition)?.high_watermark;
    let mut rows = MapRows::default();
    fold_log(log, Span { partition, from: 0, end }, &mut rows, &mut ())?;
    Ok(rows)
}
