use rocksdb::{Cache, Env, WriteBufferManager};

/// Sizes of what all stores of a process share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SharedSizes {
    /// Bytes of table blocks, indexes and filters in memory, and of write buffers: they are charged to it.
    pub block_cache: usize,
    /// Bytes of write buffers; above it the largest ones are flushed.
    pub write_buffers: usize,
    /// Threads that compact; one more flushes.
    pub threads: i32,
}

impl Default for SharedSizes {
    fn default() -> Self {
        Self { block_cache: 512 << 20, write_buffers: 256 << 20, threads: 2 }
    }
}

/// What all stores of a process share, so that the memory does not grow with the partitions. Clones are the same one.
#[derive(Clone)]
pub struct Shared {
    pub(super) cache: Cache,
    pub(super) buffers: WriteBufferManager,
    pub(super) env: Env,
}

impl Shared {
    /// # Errors
    /// If RocksDB cannot make its environment.
    pub fn new(sizes: SharedSizes) -> Result<Self, rocksdb::Error> {
        let cache = Cache::new_lru_cache(sizes.block_cache);
        // No stall: the engine bounds what is in flight, and a commit that waits would hold up every answer.
        let buffers =
            WriteBufferManager::new_write_buffer_manager_with_cache(sizes.write_buffers, false, cache.clone());
        let mut env = Env::new()?;
        env.set_background_threads(sizes.threads);
        env.set_high_priority_background_threads(1);
        // Whoever waits for an answer goes first: flushes and compactions take the time that is left.
        env.lower_thread_pool_cpu_priority();
        env.lower_high_priority_thread_pool_cpu_priority();
        Ok(Self { cache, buffers, env })
    }
}
