use std::sync::Arc;

use bytes::Bytes;
use rocksdb::{CompactionDecision, DB, Options};

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

pub(super) fn install(options: &mut Options, expiry: Arc<dyn Expiry>) {
    options.set_compaction_filter("duolog.expiry", move |_, key, value| {
        let row = key.first() != Some(&applied::RESERVED);
        if row && expiry.expired(key, value) { CompactionDecision::Remove } else { CompactionDecision::Keep }
    });
}

/// Tells what is in tables. Without a snapshot: to let one go may start a compaction.
pub(super) fn tell(expiry: &dyn Expiry, db: &DB) {
    expiry.flushed(&|key| Ok(db.get(key).map_err(view::unreadable)?.map(Bytes::from)));
}
