use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rocksdb::compaction_filter::CompactionFilter;
use rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};
use rocksdb::{CompactionDecision, DB, Options};

use super::pace::Pace;
use super::{applied, view};
use crate::domain::rows::RowsError;

/// Says which rows no reader can see any more, so that their bytes may go.
///
/// It is asked by compactions, on their threads, at any later time, and with views open: so it may only name rows that
/// every reader, also one with an old view, takes for absent. It may not panic: that would end the process.
pub trait Expiry: Send + Sync + 'static {
    /// Whether the bytes of this row may go.
    fn expired(&self, key: &[u8], value: &[u8]) -> bool;

    /// Hears what is in tables: when the store is opened, and after each flush. A crash brings the store back to that, and what
    /// was committed since is folded again, on rows that have to be there as they were then.
    fn flushed(&self, _row: &TableReader<'_>) {}
}

/// Reads a row as tables have it.
pub type TableReader<'t> = dyn Fn(&[u8]) -> Result<Option<Bytes>, RowsError> + 't;

/// Nothing ever expires.
pub struct KeepAll;

impl Expiry for KeepAll {
    fn expired(&self, _: &[u8], _: &[u8]) -> bool {
        false
    }
}

/// Has compactions ask `expiry` about each row, and rest in between unless they are behind: this is where RocksDB lets others in.
pub(super) fn install(options: &mut Options, expiry: Arc<dyn Expiry>, behind: Arc<AtomicBool>) {
    options.set_compaction_filter_factory(Compactions { expiry, behind });
}

const NAME: &CStr = c"duolog.expiry";
/// A compaction rests as long as it works.
const RESTS: f64 = 1.0;

struct Compactions {
    expiry: Arc<dyn Expiry>,
    behind: Arc<AtomicBool>,
}

/// One of them, on one thread.
struct Compaction {
    expiry: Arc<dyn Expiry>,
    pace: Pace<Box<dyn Fn() -> bool>>,
}

impl CompactionFilterFactory for Compactions {
    type Filter = Compaction;

    fn create(&mut self, context: CompactionFilterContext) -> Self::Filter {
        let (behind, waited_for) = (self.behind.clone(), context.is_manual_compaction);
        let is_urgent = move || waited_for || behind.load(Ordering::Relaxed);
        Compaction { expiry: self.expiry.clone(), pace: Pace::new(RESTS, Box::new(is_urgent)) }
    }

    fn name(&self) -> &CStr {
        NAME
    }
}

impl CompactionFilter for Compaction {
    fn filter(&mut self, _: u32, key: &[u8], value: &[u8]) -> CompactionDecision {
        self.pace.step();
        let row = key.first() != Some(&applied::RESERVED);
        if row && self.expiry.expired(key, value) { CompactionDecision::Remove } else { CompactionDecision::Keep }
    }

    fn name(&self) -> &CStr {
        NAME
    }
}

/// Tells what is in tables. Without a snapshot: to let one go may start a compaction.
pub(super) fn tell(expiry: &dyn Expiry, db: &DB) {
    expiry.flushed(&|key| Ok(db.get(key).map_err(view::unreadable)?.map(Bytes::from)));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_compaction_rests_unless_somebody_waits_or_it_is_behind() {
        let behind = Arc::new(AtomicBool::new(false));
        let mut compactions = Compactions { expiry: Arc::new(KeepAll), behind: behind.clone() };
        let work = Duration::from_millis(1);
        let mut rest = |is_manual_compaction| {
            let context = CompactionFilterContext { is_full_compaction: false, is_manual_compaction };
            compactions.create(context).pace.rest_for(work)
        };
        assert_eq!(rest(false), work);
        assert_eq!(rest(true), Duration::ZERO);
        behind.store(true, Ordering::Relaxed);
        assert_eq!(rest(false), Duration::ZERO);
    }
}
