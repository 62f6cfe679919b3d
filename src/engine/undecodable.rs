//! Records that no version of the fold can decode: damaged before they were written, or made by another program with our
//! headers. Every fold passes them over alike, and the owner's keeps a copy where people look. See
//! docs/adr/0023-what-nobody-can-decode-is-passed-over.md.

use std::time::Duration;

use duolog_topics::DecodeError;

use super::partition::Partition;
use crate::domain::rows::Pointer;
use crate::log::{LogError, Record, Stored};

/// How long to wait before a copy is made again that could not be.
const DELAY: Duration = Duration::from_secs(1);

/// Takes copies of records that the fold passes over.
pub trait Aside: Send + Sync {
    /// Keeps a copy; it may come again after a crash. It blocks until the copy is durable.
    ///
    /// # Errors
    /// If it was not kept, or may not have been.
    fn keep(&self, at: Pointer, record: &Record, why: &DecodeError) -> Result<(), LogError>;
}

/// An error that a later program may mend stops the fold; any other stays with its record, which is passed over.
///
/// # Errors
/// What stops the fold.
pub fn or_undecodable<T>(decoded: Result<T, DecodeError>) -> Result<Result<T, DecodeError>, DecodeError> {
    match decoded {
        Err(error) if error.may_be_newer() => Err(error),
        decoded => Ok(decoded),
    }
}

impl Partition {
    /// Keeps a copy of a record that the fold passes over, and goes on only when that is durable: the commit that follows
    /// is the last that is seen of the record. Without anybody who keeps it the log says that it was there. Whether the fold
    /// may go on: not if the partition stops before that.
    #[must_use]
    pub(super) fn put_aside(&self, at: Pointer, stored: &Stored, why: &DecodeError) -> bool {
        let Pointer { partition, offset, .. } = at;
        tracing::error!(partition, offset, "no version of this program can decode a record, it is passed over: {why}");
        metrics::counter!("duolog_undecodable_records_total").increment(1);
        let Some(aside) = &self.aside else { return true };
        while let Err(error) = aside.keep(at, &stored.record, why) {
            tracing::error!(partition, offset, "no copy of a record that is passed over can be kept: {error}");
            if self.is_stopping() {
                return false;
            }
            std::thread::sleep(DELAY);
        }
        true
    }
}
