use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::domain::rows::{
    ConversationRow, DAY, Horizon, IdempotencyRow, MetaRow, Pointer, Row, Table, Window, record_time_of,
};
use crate::store::{Expiry, TableReader};

/// Which rows may leave the disk: those a day below the horizons that are on the disk themselves. Readers stopped seeing them a
/// day ago, so no open view is surprised; and what is folded again after a crash finds what it found the first time.
///
/// What the fold kept for the consumers of the log stays, however old, until each of them has passed the record.
pub struct ExpiredRows {
    timeline: AtomicU64,
    roaming: AtomicU64,
    server_keys: AtomicU64,
    client_keys: AtomicU64,
    generation: AtomicU32,
    /// Records of this generation at or above this offset are still needed by a consumer: all, until it is known which.
    held_from: AtomicU64,
}

impl Default for ExpiredRows {
    fn default() -> Self {
        let never = AtomicU64::default;
        Self {
            timeline: never(),
            roaming: never(),
            server_keys: never(),
            client_keys: never(),
            generation: AtomicU32::default(),
            held_from: never(),
        }
    }
}

impl ExpiredRows {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Follows the horizons of rows that are durable.
    pub fn follow(&self, meta: &MetaRow) {
        self.generation.store(meta.generation, Ordering::Relaxed);
        let day_before = |horizon: u64| horizon.saturating_sub(DAY);
        self.timeline.store(day_before(meta.horizons.timeline), Ordering::Relaxed);
        self.roaming.store(day_before(meta.horizons.roaming), Ordering::Relaxed);
        self.server_keys.store(day_before(meta.horizons.server_keys), Ordering::Relaxed);
        self.client_keys.store(day_before(meta.horizons.client_keys), Ordering::Relaxed);
    }

    /// Keeps messages and outcomes of the records from this offset on.
    pub fn hold_from(&self, offset: u64) {
        self.held_from.store(offset, Ordering::Relaxed);
    }

    fn is_held(&self, key: &[u8]) -> bool {
        let held_from = self.held_from.load(Ordering::Relaxed);
        held_from != u64::MAX
            && Pointer::of_key(key)
                .is_some_and(|at| at.generation == self.generation.load(Ordering::Relaxed) && at.offset >= held_from)
    }
}

impl Expiry for ExpiredRows {
    fn flushed(&self, row: &TableReader<'_>) {
        match row(MetaRow::key().as_slice()).and_then(|row| row.map(|row| MetaRow::decode(&row)).transpose()) {
            Ok(meta) => meta.iter().for_each(|meta| self.follow(meta)),
            Err(error) => tracing::warn!("nothing more expires for now: {error}"),
        }
    }

    fn expired(&self, key: &[u8], value: &[u8]) -> bool {
        let Some(table) = key.first().and_then(|byte| Table::from_byte(*byte)) else { return false };
        let below =
            |horizon: &AtomicU64| record_time_of(value).is_some_and(|time| time < horizon.load(Ordering::Relaxed));
        match table.horizon() {
            Horizon::Never => false,
            Horizon::Timeline if matches!(table, Table::Message | Table::Outcome) => {
                below(&self.timeline) && !self.is_held(key)
            }
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
