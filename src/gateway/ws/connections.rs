use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// The connections of this server: how many there may be, and the word that all have to go.
pub struct Connections {
    open: AtomicUsize,
    limit: usize,
    /// Whether the server stops. Connections hold receivers, so the sender sees when the last one is gone.
    draining: watch::Sender<bool>,
}

/// One connection; dropping it makes room.
pub struct Slot {
    connections: Arc<Connections>,
    draining: watch::Receiver<bool>,
}

impl Connections {
    pub fn new(limit: usize) -> Self {
        Self { open: AtomicUsize::new(0), limit, draining: watch::Sender::new(false) }
    }

    /// Takes a place; `None` if there is none left.
    pub fn enter(self: &Arc<Self>) -> Option<Slot> {
        let room = |open: usize| (open < self.limit).then_some(open + 1);
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).ok()?;
        super::metrics::connection_opened();
        Some(Slot { connections: Arc::clone(self), draining: self.draining.subscribe() })
    }

    /// Tells all connections to go, those that come later too.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Waits until no connection is left.
    pub async fn gone(&self) {
        self.draining.closed().await;
    }
}

impl Slot {
    /// Waits until the server stops.
    pub async fn draining(&mut self) {
        // An error would mean that the sender is gone, which lives in `connections`.
        let _ = self.draining.wait_for(|draining| *draining).await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.open.fetch_sub(1, Ordering::Relaxed);
        super::metrics::connection_closed();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_connection_is_gone() {
        let connections = Arc::new(Connections::new(1));
        let first = connections.enter();
        assert!(first.is_some() && connections.enter().is_none());
        drop(first);
        assert!(connections.enter().is_some());
    }

    #[test]
    fn draining_reaches_those_who_are_there_and_waits_for_them() {
        let connections = Arc::new(Connections::new(1));
        let mut slot = connections.enter().unwrap();
        assert!(slot.draining().now_or_never().is_none());
        connections.drain();
        assert!(slot.draining().now_or_never().is_some());
        assert!(connections.gone().now_or_never().is_none());
        drop(slot);
        assert!(connections.gone().now_or_never().is_some());
    }
}
