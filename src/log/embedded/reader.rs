//! Reading records from RocksDB, for the server and for tools beside it.

use rocksdb::{DB, ErrorKind, ReadOptions};

use super::format;
use crate::log::{Bounds, LogError, ReadLimit, Stored, Taken};

/// The records of a partition from an offset on, below another; at least one, if there is one.
///
/// # Errors
/// [`LogError::Damaged`] for a damaged record, or a missing one, once all before it have been read.
pub(super) fn read(db: &DB, partition: u32, from: u64, below: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
    let mut options = ReadOptions::default();
    options.set_iterate_upper_bound(format::key(partition, below));
    // A log is read once, from the front: what is kept are the newest records, and they are in the tail cache.
    options.fill_cache(false);
    let mut rows = db.raw_iterator_opt(options);
    rows.seek(format::key(partition, from));

    let (mut records, mut taken) = (Vec::new(), Taken::new(limit));
    let damage = loop {
        let offset = from + records.len() as u64;
        let Some((key, value)) = rows.item() else {
            let missing = (offset < below).then(|| damaged(partition, offset, "the record is missing"));
            break rows.status().map_err(|error| unreadable(partition, offset, error)).err().or(missing);
        };
        if format::offset_of(key, partition) != Some(offset) {
            break Some(damaged(partition, offset, "the record is missing"));
        }
        match format::open(partition, offset, value) {
            Ok(stored) if taken.fits(&stored) => records.push(stored),
            Ok(_) => break None,
            Err(error) => break Some(error),
        }
        rows.next();
    };
    match damage {
        Some(error) if records.is_empty() => Err(error),
        _ => Ok(records),
    }
}

/// Where a partition begins and ends. Costs two look-ups.
pub(super) fn bounds(db: &DB, partition: u32) -> Result<Bounds, LogError> {
    let unreadable = |error| unreadable(partition, 0, error);
    let first = match db.get_pinned(format::first_key(partition)).map_err(unreadable)? {
        Some(row) => row.as_ref().try_into().map(u64::from_be_bytes).map_err(|_| {
            LogError::Open(format!("the row that says where partition {partition} begins has {} bytes", row.len()))
        })?,
        None => 0,
    };
    let mut rows = db.raw_iterator();
    rows.seek_for_prev(format::key(partition, u64::MAX));
    let last = rows.key().and_then(|key| format::offset_of(key, partition));
    rows.status().map_err(unreadable)?;
    let high_watermark = last.map_or(first, |last| first.max(last + 1));
    Ok(Bounds { first, high_watermark })
}

/// Format and number of partitions; none in a log that holds nothing yet.
pub(super) fn layout(db: &DB) -> Result<Option<(u32, u32)>, LogError> {
    let row = db.get_pinned(format::LAYOUT).map_err(|error| LogError::Open(error.into_string()))?;
    let Some(row) = row else { return Ok(None) };
    match format::parse_layout(&row) {
        Some(layout @ (format::FORMAT, _)) => Ok(Some(layout)),
        Some((other, _)) => {
            let known = format::FORMAT;
            Err(LogError::Open(format!("the log has format {other}, and this release knows only format {known}")))
        }
        None => Err(LogError::Open("the row that says how the log is laid out is damaged".into())),
    }
}

fn damaged(partition: u32, offset: u64, what: &str) -> LogError {
    LogError::Damaged { partition, offset, what: what.to_owned() }
}

fn unreadable(partition: u32, offset: u64, error: rocksdb::Error) -> LogError {
    match error.kind() {
        ErrorKind::Corruption => LogError::Damaged { partition, offset, what: error.into_string() },
        _ => LogError::Failed(error.into_string()),
    }
}
