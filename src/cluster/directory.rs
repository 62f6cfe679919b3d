use std::collections::HashMap;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Who owns a partition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Owner {
    pub epoch: u64,
    pub node: String,
    /// Host and port where he answers other nodes.
    pub address: String,
}

/// Who owns what, as far as this node has heard. Of two owners the one of the higher epoch is right, in whatever order they
/// are heard of.
#[derive(Default)]
pub struct Directory {
    owners: RwLock<HashMap<u32, Owner>>,
    changes: watch::Sender<u64>,
}

/// Tells all nodes who owns a partition.
pub trait Announce: Send + Sync + 'static {
    fn announce(&self, partition: u32, owner: &Owner);
}

impl Directory {
    /// Takes over what was heard, if it is news.
    pub fn learn(&self, partition: u32, owner: Owner) {
        let mut owners = self.owners.write();
        if owners.get(&partition).is_some_and(|known| known.epoch >= owner.epoch) {
            return;
        }
        tracing::debug!(partition, owner.epoch, owner.node, owner.address, "owner");
        owners.insert(partition, owner);
        drop(owners);
        self.changes.send_modify(|count| *count += 1);
    }

    pub fn owner(&self, partition: u32) -> Option<Owner> {
        self.owners.read().get(&partition).cloned()
    }

    /// Changes with every owner that is news.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_epoch_is_right_in_any_order() {
        let directory = Directory::default();
        let owner = |epoch: u64| Owner { epoch, node: format!("n{epoch}"), address: "a:1".to_owned() };
        let mut changes = directory.changes();
        for epoch in [2, 1, 3, 2] {
            directory.learn(0, owner(epoch));
        }
        assert_eq!(directory.owner(0), Some(owner(3)));
        assert_eq!(*changes.borrow_and_update(), 2);
        assert_eq!(directory.owner(1), None);
    }
}
