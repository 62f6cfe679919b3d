use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::rows::{ConversationRow, DAY, Horizon, IdempotencyRow, MetaRow, Row, Table, Window, record_time_of};
use crate::store::Expiry;

/// Which rows may leave the disk: those a day below the horizons of the last commit. Readers stopped seeing them a day ago,
/// so no open view is surprised.
pub struct ExpiredRows {
    timeline: AtomicU64,
    roaming: AtomicU64,
    server_keys: AtomicU64,
    client_keys: AtomicU64,
    /// Consumers have still to read what the fold kept of records from this time on.
    held: AtomicU64,
}

impl ExpiredRows {
    pub fn new() -> Arc<Self> {
        let none = AtomicU64::default;
        let held = AtomicU64::new(u64::MAX);
        Arc::new(Self { timeline: none(), roaming: none(), server_keys: none(), client_keys: none(), held })
    }

    /// Keeps what became of messages from a record time (Unix ms) on, whatever the horizons are.
    pub fn hold(&self, from: u64) {
        self.held.store(from, Ordering::Relaxed);
    }

    /// Follows the horizons of a commit.
    pub fn follow(&self, meta: &MetaRow) {
        let day_before = |horizon: u64| horizon.saturating_sub(DAY);
        self.timeline.store(day_before(meta.horizons.timeline), Ordering::Relaxed);
        self.roaming.store(day_before(meta.horizons.roaming), Ordering::Relaxed);
        self.server_keys.store(day_before(meta.horizons.server_keys), Ordering::Relaxed);
        self.client_keys.store(day_before(meta.horizons.client_keys), Ordering::Relaxed);
    }
}

impl Expiry for ExpiredRows {
    fn expired(&self, key: &[u8], value: &[u8]) -> bool {
        let Some(table) = key.first().and_then(|byte| Table::from_byte(*byte)) else { return false };
        let below =
            |horizon: &AtomicU64| record_time_of(value).is_some_and(|time| time < horizon.load(Ordering::Relaxed));
        match table.horizon() {
            Horizon::Never => false,
            Horizon::Timeline if table == Table::Message => below(&self.timeline) && below(&self.held),
            Horizon::Timeline => below(&self.timeline),
            // The fold still has to give up the place and the unread of a conversation that is a recent contact.
            Horizon::Roaming if table == Table::Conversation => {
                below(&self.roaming) && ConversationRow::decode(value).is_ok_and(|row| !row.is_counted())
            }
            Horizon::Roaming => below(&self.roaming),
            Horizon::Idempotency => match IdempotencyRow::decode(value).map(|row| row.window) {
                Ok(Window::Server) => below(&self.server_keys),
                Ok(Window::Client) => below(&self.client_keys),
                Err(_) => false,
            },
        }
    }
}
