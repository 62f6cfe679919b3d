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

    /// Waits until a partition is known to be owned under another epoch than this one.
    pub async fn overtaken(&self, partition: u32, epoch: u64) {
        let mut changes = self.changes();
        let overtaken = |_: &u64| self.owners.read().get(&partition).is_none_or(|owner| owner.epoch != epoch);
        // An error would mean that the sender is gone, which lives here.
        let _ = changes.wait_for(overtaken).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    fn owner(epoch: u64) -> Owner {
        Owner { epoch, node: format!("n{epoch}"), address: "a:1".to_owned() }
    }

    #[test]
    fn the_highest_epoch_is_right_in_any_order() {
        let directory = Directory::default();
        let mut changes = directory.changes();
        for epoch in [2, 1, 3, 2] {
            directory.learn(0, owner(epoch));
        }
        assert_eq!(directory.owner(0), Some(owner(3)));
        assert_eq!(*changes.borrow_and_update(), 2);
        assert_eq!(directory.owner(1), None);
    }

    #[test]
    fn whoever_relies_on_an_owner_hears_of_the_next_one() {
        let directory = Directory::default();
        directory.learn(0, owner(2));
        let mut overtaken = pin!(directory.overtaken(0, 2));
        for (partition, epoch) in [(1, 3), (0, 1), (0, 2)] {
            directory.learn(partition, owner(epoch));
            assert!(overtaken.as_mut().now_or_never().is_none());
        }
        directory.learn(0, owner(3));
        assert!(overtaken.as_mut().now_or_never().is_some());
        assert!(directory.overtaken(0, 2).now_or_never().is_some(), "also if it was heard before");
    }
}
