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
    /// Threads that compact.
    pub threads: i32,
}

impl Default for SharedSizes {
    fn default() -> Self {
        Self { block_cache: 384 << 20, write_buffers: 192 << 20, threads: 2 }
    }
}

/// What all stores of a process share, so that the memory does not grow with the partitions. Clones are the same one.
#[derive(Clone)]
pub struct Shared {
    pub(super) cache: Cache,
    write_buffers: usize,
    /// How many stores are open.
    stores: Arc<AtomicUsize>,
    pub(super) env: Env,
}

impl Shared {
    /// # Errors
    /// If RocksDB cannot make its environment.
    pub fn new(sizes: SharedSizes) -> Result<Self, rocksdb::Error> {
        let cache = Cache::new_lru_cache(sizes.block_cache);
        let mut env = Env::new()?;
        env.set_background_threads(sizes.threads);
        // Whoever waits for an answer goes first: compactions take the time that is left.
        env.lower_thread_pool_cpu_priority();
        Ok(Self { cache, write_buffers: sizes.write_buffers, stores: Arc::default(), env })
    }
    /// What a store that opens has of the write buffers.
    pub(super) fn share(&self) -> Share {
        self.stores.fetch_add(1, Ordering::Relaxed);
        Share { write_buffers: self.write_buffers, stores: self.stores.clone() }
    }
}

/// A store's part in the memory of all.
pub(super) struct Share {
    write_buffers: usize,
    stores: Arc<AtomicUsize>,
}

impl Share {
    /// Bytes of rows that make a table. A store may hold three times as many: the table that is made, and, while that takes
    /// long, two such parts on top.
    pub fn bytes(&self) -> usize {
        self.write_buffers / 3 / self.stores.load(Ordering::Relaxed).max(1)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.stores.fetch_sub(1, Ordering::Relaxed);
    }
}
