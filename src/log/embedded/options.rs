use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, Env, LogLevel, Options};

/// Bytes in memory before RocksDB writes a table: also what a start has to replay after a crash, so not larger.
const WRITE_BUFFER: usize = 32 << 20;
/// Readers are served from the tail cache, or go through the log once: the block cache only helps neighbours.
const BLOCK_CACHE: usize = 16 << 20;
/// Records are read in order: larger blocks compress better.
const BLOCK: usize = 16 << 10;
const TABLE: u64 = 128 << 20;
/// Bytes of a table that are written at once: less than its share of the disk for a millisecond (`table_io`).
const PIECE: u64 = 128 << 10;
/// Open files at most; a log of a terabyte has 8,000 tables.
const OPEN_FILES: i32 = 512;

/// RocksDB, told to be a log: nothing is repaired, nothing is retried, nothing is written twice over.
pub(super) fn options() -> Result<Options, rocksdb::Error> {
    // No setter exists for this one: after a failed write RocksDB would try by itself to go on.
    let mut options = Options::default().get_options_from_string("max_bgerror_resume_count=0")?;
    options.set_paranoid_checks(true);
    // `wal::cut_torn_tail` has cut what a crash may leave, so whatever else RocksDB finds wrong is damage.
    options.set_wal_recovery_mode(DBRecoveryMode::AbsoluteConsistency);
    options.set_track_and_verify_wals_in_manifest(true);
    // A recycled file holds old records behind the new ones: a torn tail could not be told from damage.
    options.set_recycle_log_file_num(0);
    // There is one writer.
    options.set_allow_concurrent_memtable_write(false);
    options.set_enable_write_thread_adaptive_yield(false);

    // Whoever waits for an answer goes first. RocksDB has these threads once a process; those that flush are the log's alone.
    let mut threads = Env::new()?;
    threads.lower_thread_pool_cpu_priority();
    threads.lower_high_priority_thread_pool_cpu_priority();
    options.set_env(&threads);

    options.set_write_buffer_size(WRITE_BUFFER);
    options.set_max_write_buffer_number(4);
    options.set_target_file_size_base(TABLE);
    options.set_compression_type(DBCompressionType::Lz4);
    // Spreads the writing of tables, so that the sync of an append does not wait behind a whole one, and lets who flushes wait
    // for the disk, and others have its core, after little work.
    options.set_bytes_per_sync(1 << 20);
    options.set_writable_file_max_buffer_size(PIECE);
    options.set_max_open_files(OPEN_FILES);

    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(BLOCK_CACHE));
    table.set_block_size(BLOCK);
    options.set_block_based_table_factory(&table);

    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(4);
    Ok(options)
}
