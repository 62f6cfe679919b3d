use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rocksdb::{Cache, Env};

/// Sizes of what all stores of a process share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SharedSizes {
    /// Bytes of table blocks, indexes and filters in memory.
    pub block_cache: usize,
    /// Bytes of rows in memory that are in no table yet, of all stores; each has an equal share of it.
    pub write_buffers: usize,
    /// Bytes of rows in memory that are in tables, decoded: those that nearly every record looks at. The first store has all of
    /// it, the second half as much, and so on; those of one buffer stay in any case.
    pub hot_rows: usize,
    /// Threads that compact.
    pub threads: i32,
}

impl Default for SharedSizes {
    fn default() -> Self {
        Self { block_cache: 384 << 20, write_buffers: 256 << 20, hot_rows: 160 << 20, threads: 2 }
    }
}

/// What all stores of a process share, so that the memory does not grow with the partitions. Clones are the same one.
#[derive(Clone)]
pub struct Shared {
    pub(super) cache: Cache,
    write_buffers: usize,
    hot_rows: usize,
    /// How many stores are open.
    stores: Arc<AtomicUsize>,
    pub(super) env: Env,
}

impl Shared {
    /// # Errors
    /// If RocksDB cannot make its environment.
    pub fn new(sizes: SharedSizes) -> Result<Self, rocksdb::Error> {
        // It takes no locks: a compaction that has to wait for a core keeps nobody waiting who reads. 0: it finds out how large
        // blocks are.
        let cache = Cache::new_hyper_clock_cache(sizes.block_cache, 0);
        let mut env = Env::new()?;
        env.set_background_threads(sizes.threads);
        // Whoever waits for an answer goes first: compactions take the time that is left.
        env.lower_thread_pool_cpu_priority();
        Ok(Self { cache, write_buffers: sizes.write_buffers, hot_rows: sizes.hot_rows, stores: Arc::default(), env })
    }

    /// What a store that opens has of the memory.
    pub(super) fn share(&self) -> Share {
        let others = self.stores.fetch_add(1, Ordering::Relaxed);
        let hot_rows = self.hot_rows / (others + 1);
        Share { write_buffers: self.write_buffers, hot_rows, stores: self.stores.clone() }
    }
}

/// A store's part in the memory of all.
pub(super) struct Share {
    write_buffers: usize,
    hot_rows: usize,
    stores: Arc<AtomicUsize>,
}

impl Share {
    pub fn hot_rows(&self) -> usize {
        self.hot_rows
    }

    /// Bytes of rows that make a table. While a table takes long the next one may become twice as large, so a store may hold
    /// four times as many, and memory that waits for the next rows.
    pub fn bytes(&self) -> usize {
        self.write_buffers / 4 / self.stores.load(Ordering::Relaxed).max(1)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.stores.fetch_sub(1, Ordering::Relaxed);
    }
}
