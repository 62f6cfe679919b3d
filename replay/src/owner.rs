use std::sync::Arc;

use anyhow::Result;
use duolog::data_dir::{DataDir, OpenData};
use duolog::dir_lock::DirLock;
use duolog::engine::{Aside, Engine, Parts};
use duolog::log::{Log, LogError};
use duolog::store::Store;
use duolog_topics::PolicyChanged;
use tokio::runtime::Runtime;

use crate::data::{Data, Progress};

/// A tool that owns the log as a server does, and serves nobody: for verbs that append.
pub struct Owner {
    pub runtime: Runtime,
    pub engine: Engine,
    pub log: Arc<dyn Log>,
    /// One a partition.
    pub stores: Vec<Store>,
    dir: DataDir,
    lock: DirLock,
}

/// What an owner leaves: states that nobody changes any more.
pub struct Old {
    pub dir: DataDir,
    /// One a partition, up to the end of the log.
    pub stores: Vec<Store>,
    _lock: DirLock,
}

impl Owner {
    /// Folds what the state lacks, and begins an epoch of its own in every partition.
    pub fn take(data: &Data) -> Result<Self> {
        let dir = data.dir()?;
        // First a look at the log: a folder that holds none is not ours to lock.
        data.log()?;
        let refused = |error: anyhow::Error| {
            error.downcast::<LogError>().unwrap_or_else(|error| LogError::Open(format!("{error:#}")))
        };
        let opened = dir.open_with(|| data.owned_log().map_err(refused))?;
        let OpenData { log, stores, expiry, lock } = opened;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        // The policy stays as it is recorded.
        let policy = PolicyChanged { revision: 0, ..PolicyChanged::default() };
        let node = format!("duolog-replay {}", std::process::id());
        let aside: Option<Arc<dyn Aside>> = Some(Arc::new(data.owned_dead_letters()?));
        let parts = Parts { log: log.clone(), stores: stores.clone(), expiry, policy, node, clock: None, aside };
        let progress = Progress::new("folding", 0, 0);
        let engine = {
            let _inside = runtime.enter();
            Engine::open(parts, |_, folded, end| progress.at(folded, end))?
        };
        Ok(Self { runtime, engine, log, stores, dir, lock })
    }

    /// Flushes the rows and lets go of the log, not of the directory.
    pub fn leave(self) -> Old {
        let Self { engine, stores, dir, lock, .. } = self;
        engine.stop();
        Old { dir, stores, _lock: lock }
    }
}
