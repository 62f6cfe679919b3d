//! The same bytes written and read by plain loops over RocksDB: what the engine is measured against.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use duolog::log::Record;
use rocksdb::{BlockBasedOptions, Cache, DB, DBCompressionType, Options, WriteBatch, WriteOptions};

use crate::folding::Committed;

/// Keys and values in the order of the keys; no value deletes.
pub type Rows = Vec<(Vec<u8>, Option<Bytes>)>;

/// Opens or makes a RocksDB.
pub fn open(path: &Path) -> Result<DB> {
    let mut options = options();
    options.create_if_missing(true);
    Ok(DB::open(&options, path)?)
}

/// Opens what a store has flushed.
pub fn open_read_only(path: &Path) -> Result<DB> {
    Ok(DB::open_for_read_only(&options(), path, false)?)
}

/// Sizes as in duolog's own stores, and nothing else that costs.
fn options() -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(64 << 20);
    options.set_max_write_buffer_number(4);
    options.set_max_background_jobs(4);
    options.set_compression_type(DBCompressionType::Lz4);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(512 << 20));
    table.set_bloom_filter(10.0, false);
    options.set_block_based_table_factory(&table);
    options
}

/// Writes records under their offsets in one synced batch.
pub fn append(db: &DB, first: u64, records: &[Record]) -> Result<()> {
    let (mut batch, mut value) = (WriteBatch::default(), Vec::new());
    for (offset, record) in (first..).zip(records) {
        value.clear();
        value.extend_from_slice(&record.key);
        value.extend_from_slice(&record.header);
        value.extend_from_slice(&record.payload);
        batch.put(offset.to_be_bytes(), &value);
    }
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    Ok(db.write_opt(batch, &synced)?)
}

/// Writes rows and a place in one batch, without a WAL.
pub fn commit(db: &DB, place: u64, changes: &Rows) -> Result<()> {
    let mut batch = WriteBatch::default();
    for (key, value) in changes {
        match value {
            Some(value) => batch.put(key, value),
            None => batch.delete(key),
        }
    }
    batch.put([0], place.to_be_bytes());
    let mut unlogged = WriteOptions::default();
    unlogged.disable_wal(true);
    Ok(db.write_opt(batch, &unlogged)?)
}

/// How long it takes to write the rows of these batches, until all are in tables.
pub fn commit_all(db: &DB, batches: &[Committed]) -> Result<Duration> {
    let start = Instant::now();
    for (place, batch) in (0..).zip(batches) {
        commit(db, place, &batch.changes)?;
    }
    db.flush()?;
    Ok(start.elapsed())
}

/// How long it takes to append each batch, synced, and then to write its rows.
pub fn append_and_commit_all(log: &DB, rows: &DB, mut offset: u64, batches: &[Committed]) -> Result<Duration> {
    let start = Instant::now();
    for batch in batches {
        append(log, offset, &batch.records)?;
        offset += batch.records.len() as u64;
        commit(rows, offset, &batch.changes)?;
    }
    Ok(start.elapsed())
}
