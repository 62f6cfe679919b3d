use super::{RebuildError, Span, Target, fold_log};
use crate::domain::rows::{Changes, Overlay, Rows};
use crate::engine::{OpenError, check_state};
use crate::log::Log;
use crate::store::{Applied, StoreError, View};

impl Target for Overlay<'_> {
    fn rows(&self) -> &dyn Rows {
        self
    }

    fn commit(&mut self, changes: &mut Changes, _: Applied) -> Result<(), StoreError> {
        self.apply(changes);
        Ok(())
    }
}

/// The rows of a state that another process may have open: what that one has flushed, and over it, in memory, what the
/// log says up to `end`. So they are what the server shows there. Memory: the changes of the records that were not
/// flushed, of which a server keeps no more than [`crate::limits::FLUSH_RECORDS`] and what one flush takes.
///
/// # Errors
/// [`RebuildError::State`] if state and log do not belong together, or the state is beyond `end`.
pub fn caught_up<'v>(log: &dyn Log, partition: u32, flushed: &'v View, end: u64) -> Result<Overlay<'v>, RebuildError> {
    let applied = flushed.applied().map_err(StoreError::from)?;
    check_state(log, partition, applied)?;
    let from = applied.map_or(0, |applied| applied.next);
    if from > end {
        return Err(OpenError::BeyondLog { partition, next: from, end }.into());
    }
    let mut rows = Overlay::new(flushed);
    fold_log(log, Span { partition, from, end }, &mut rows, &mut ())?;
    Ok(rows)
}
