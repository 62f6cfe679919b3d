use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::directory::{Directory, Owner};
use crate::data_dir::{DataDirError, Stores};
use crate::engine::Engine;

/// How often it is looked whether a partition is still owned.
const LOOK: Duration = Duration::from_millis(200);
/// Until a partition that was not got, or was lost, is tried again. Longer than two nodes need to hear that they have
/// changed places, so that one who was paused does not take back what is not his any more.
const PAUSE: Duration = Duration::from_secs(4);

/// Tells all nodes who owns a partition.
type Announce = Box<dyn Fn(u32, &Owner) + Send + Sync>;

/// This node, as others are told of it.
#[derive(Clone, Debug)]
pub struct Me {
    pub node: String,
    pub address: String,
}

/// Keeps the partitions that this node is meant to own: takes them over, tells the directory, takes them again if they are
/// lost or fail, and lets them go. Each has a thread of its own, so a long fold holds up nothing else.
#[derive(Clone)]
pub struct Keeper(Arc<Shared>);

struct Shared {
    engine: Engine,
    stores: Stores,
    directory: Arc<Directory>,
    announce: Announce,
    me: Me,
    kept: Mutex<HashMap<u32, Kept>>,
}

struct Kept {
    wanted: Arc<Wanted>,
    thread: JoinHandle<()>,
}

/// Whether a partition is still meant to be owned here.
struct Wanted {
    wanted: Mutex<bool>,
    changed: Condvar,
}

impl Wanted {
    fn is_wanted(&self) -> bool {
        *self.wanted.lock()
    }

    /// Waits, no longer than it is wanted.
    fn rest(&self, time: Duration) {
        let mut wanted = self.wanted.lock();
        if *wanted {
            self.changed.wait_for(&mut wanted, time);
        }
    }

    fn end(&self) {
        *self.wanted.lock() = false;
        self.changed.notify_all();
    }
}

impl Keeper {
    pub fn new(
        engine: Engine,
        stores: Stores,
        directory: Arc<Directory>,
        announce: impl Fn(u32, &Owner) + Send + Sync + 'static,
        me: Me,
    ) -> Self {
        let announce = Box::new(announce);
        Self(Arc::new(Shared { engine, stores, directory, announce, me, kept: Mutex::default() }))
    }

    /// These partitions are this node's to own, as soon as it can.
    ///
    /// # Errors
    /// If the system starts no more threads.
    pub fn assigned(&self, partitions: impl IntoIterator<Item = u32>) -> std::io::Result<()> {
        let mut kept = self.0.kept.lock();
        for partition in partitions {
            if kept.get(&partition).is_some_and(|kept| kept.wanted.is_wanted()) {
                continue;
            }
            let before = kept.remove(&partition).map(|kept| kept.thread);
            let wanted = Arc::new(Wanted { wanted: Mutex::new(true), changed: Condvar::new() });
            let (shared, watched) = (self.0.clone(), wanted.clone());
            let run = move || {
                // What was not let go in time is, before it is taken again.
                if let Some(before) = before {
                    let _ = before.join();
                }
                shared.keep(partition, &watched);
            };
            let thread = std::thread::Builder::new().name(format!("keep-{partition}")).spawn(run)?;
            kept.insert(partition, Kept { wanted, thread });
        }
        Ok(())
    }

    /// These partitions are another node's. Waits until they are let go, or for so long: fencing protects what comes later.
    pub fn revoked(&self, partitions: impl IntoIterator<Item = u32>, patience: Duration) {
        let deadline = Instant::now() + patience;
        let partitions: Vec<u32> = partitions.into_iter().collect();
        let kept = self.0.kept.lock();
        for partition in &partitions {
            kept.get(partition).inspect(|kept| kept.wanted.end());
        }
        drop(kept);
        for partition in partitions {
            while !self.is_done(partition) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Lets everything go.
    pub fn stop(&self, patience: Duration) {
        let all: Vec<u32> = self.0.kept.lock().keys().copied().collect();
        self.revoked(all, patience);
    }

    /// What this node is meant to own.
    pub fn wanted(&self) -> Vec<u32> {
        let kept = self.0.kept.lock();
        kept.iter().filter(|(_, kept)| kept.wanted.is_wanted()).map(|(partition, _)| *partition).collect()
    }

    /// Whether everything that this node is meant to own is owned here and serves. Not while a partition is being taken over,
    /// nor while one that could not be got, was lost or has failed waits for the next try.
    pub fn has_all(&self) -> bool {
        let owned = self.0.engine.owns();
        self.wanted().iter().all(|partition| owned.contains_key(partition))
    }

    /// Removes the states of partitions that other nodes have had for so long.
    pub fn forget_lost(&self, age: Duration) {
        match self.0.stores.forget(&self.wanted(), age) {
            Ok(forgotten) if forgotten.is_empty() => {}
            Ok(forgotten) => tracing::info!("states of other nodes' partitions are removed: {forgotten:?}"),
            Err(error) => tracing::warn!("the state of a lost partition was not removed: {error}"),
        }
    }

    fn is_done(&self, partition: u32) -> bool {
        self.0.kept.lock().get(&partition).is_none_or(|kept| kept.thread.is_finished())
    }
}

impl Shared {
    fn keep(&self, partition: u32, wanted: &Wanted) {
        while wanted.is_wanted() {
            match self.own(partition, wanted) {
                Ok(()) => {
                    tracing::info!(partition, "owned");
                    while wanted.is_wanted() && self.engine.owns().contains_key(&partition) {
                        wanted.rest(LOOK);
                    }
                }
                Err(error) => tracing::warn!(partition, "not taken over: {error}"),
            }
            // Also what has failed, or was lost: it is closed before it is taken again.
            self.engine.let_go(partition);
            wanted.rest(PAUSE);
        }
        tracing::info!(partition, "let go");
    }

    fn own(&self, partition: u32, wanted: &Wanted) -> Result<(), DataDirError> {
        let (store, expiry) = self.stores.get(partition)?;
        let taken = self.engine.take_over(partition, store, Some(expiry), &mut |_, _, _| wanted.is_wanted());
        let epoch = taken?;
        let Me { node, address } = self.me.clone();
        let owner = Owner { epoch, node, address };
        self.directory.learn(partition, owner.clone());
        (self.announce)(partition, &owner);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::DataDir;
    use crate::engine::Common;
    use crate::log::MemoryLog;

    /// Longer than letting go of an empty partition takes.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(flavor = "multi_thread")]
    async fn a_node_has_not_all_while_it_lacks_a_partition_that_it_is_meant_to_own() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path(), None);
        // A file where the state of partition 1 would be: it is never got.
        std::fs::create_dir(folder.path().join("state")).unwrap();
        std::fs::write(data.state(1), "").unwrap();
        let (stores, _lock) = data.open_shared(|| Ok(Arc::new(MemoryLog::new(2)))).unwrap();
        let engine = Engine::new(Common::of(stores.log().clone()));
        let me = Me { node: "node".to_owned(), address: "a:1".to_owned() };
        let keeper = Keeper::new(engine.clone(), stores, Arc::default(), |_, _| {}, me);
        assert!(keeper.has_all(), "nothing is meant for it");

        let mut moves = engine.moves();
        keeper.assigned([0, 1]).unwrap();
        moves.wait_for(|_| engine.owns().contains_key(&0)).await.unwrap();
        assert!(!keeper.has_all());
        keeper.revoked([1], PATIENCE);
        assert!(keeper.has_all());
        keeper.stop(PATIENCE);
        assert!(keeper.has_all() && engine.owns().is_empty());
    }
}
