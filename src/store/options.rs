use rocksdb::{BlockBasedOptions, DB, DBCompressionType, DataBlockIndexType, LogLevel, Options};

use super::Shared;

/// Bits a key: about one look-up in a thousand of an absent key reads a block. Each send looks twice for a key of its own,
/// in every table: with the usual ten bits the fold and the early decision waited for the disk.
const BLOOM_BITS: f64 = 16.0;
/// Each row is compacted, and so asked about its expiry, at least so often.
const PERIODIC_COMPACTION_SECONDS: u64 = 2 * 24 * 60 * 60;
const TABLE: u64 = 64 << 20;
const OPEN_FILES: i32 = 1_024;

/// For the partition's worker: look-ups of single rows, many of absent ones, and short scans, under constant writing.
pub(super) fn serving(shared: &Shared) -> Options {
    let mut options = Options::default();
    options.set_env(&shared.env);
    options.set_max_background_jobs(4);
    options.set_max_open_files(OPEN_FILES);

    options.set_compression_type(DBCompressionType::Lz4);
    options.set_target_file_size_base(TABLE);
    options.set_max_bytes_for_level_base(4 * TABLE);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_periodic_compaction_seconds(PERIODIC_COMPACTION_SECONDS);
    options.set_bytes_per_sync(1 << 20);
    options.set_block_based_table_factory(&table(shared));
    quiet(&mut options);
    options
}

fn table(shared: &Shared) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&shared.cache);
    // Indexes and filters live in the cache, so that memory stays bounded whatever the state grows to.
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_bloom_filter(BLOOM_BITS, false);
    table.set_whole_key_filtering(true);
    table.set_optimize_filters_for_memory(true);
    table.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    table.set_block_size(8 << 10);
    table
}

/// What a compaction writes goes into the block cache, too: the page cache does not have it, and the fold would read it from
/// the disk, row by row. It goes first when the cache is full. There is no setter for it.
///
/// # Errors
/// If RocksDB cannot note it on the disk.
pub(super) fn keep_compacted(db: &DB) -> Result<(), rocksdb::Error> {
    db.set_options(&[("block_based_table_factory", "{prepopulate_block_cache=kFlushAndCompaction;}")])
}

/// For tools: files are kept open, so that a server beside may remove them.
pub(super) fn reading() -> Options {
    let mut options = Options::default();
    options.set_max_open_files(-1);
    quiet(&mut options);
    options
}

fn quiet(options: &mut Options) {
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(4);
}
