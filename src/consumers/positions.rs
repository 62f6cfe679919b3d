//! Positions become events: `consumers.advanced`, for all consumers of a partition together.
//!
//! One is written after something was delivered or given up; else only when the recorded position trails by many records,
//! or by an hour of records that say more than that time has passed. So a system in which nothing happens stays still: a
//! position never causes another one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use duolog_topics::{ConsumerAdvance, Millis};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::window::Place;
use crate::engine::{EngineError, Tap};

/// Positions of a partition are written at most this often.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// A recorded position trails by no more records than this, delivered or not.
const FAR_BEHIND: u64 = 10_000;
/// A recorded position is no older than this, if anything worth reading has passed.
const LONG_AGO: Duration = Duration::from_secs(3_600);

/// How far one consumer has come in one partition, and how much of that the log knows.
pub struct Ledger {
    consumer: String,
    tap: Tap,
    state: Mutex<State>,
}

struct State {
    place: Place,
    /// Something was delivered or given up that the recorded position does not say.
    delivered: bool,
    /// Something was read that was no mere progress.
    moved: bool,
    recorded: u64,
    recorded_at: Instant,
}

impl Ledger {
    pub fn new(consumer: &str, tap: Tap, recorded: u64) -> Self {
        let state = State {
            place: Place { position: recorded, head: recorded, ..Place::default() },
            delivered: false,
            moved: false,
            recorded,
            recorded_at: Instant::now(),
        };
        Self { consumer: consumer.to_owned(), tap, state: Mutex::new(state) }
    }

    /// A runner says how far it has come, and what passed since it last did.
    pub fn publish(&self, place: Place, delivered: bool, moved: bool) {
        let mut state = self.state.lock();
        state.place = place;
        state.delivered |= delivered;
        state.moved |= moved;
    }

    /// What has to be recorded now, if anything.
    fn due(&self) -> Option<ConsumerAdvance> {
        let mut state = self.state.lock();
        let far = state.place.position >= state.recorded.saturating_add(FAR_BEHIND);
        let old = state.moved && state.recorded_at.elapsed() >= LONG_AGO;
        if !(state.delivered || far || old) {
            return None;
        }
        (state.delivered, state.moved) = (false, false);
        state.recorded = state.place.position;
        state.recorded_at = Instant::now();
        Some(ConsumerAdvance {
            consumer: self.consumer.clone(),
            position: Some(state.place.position),
            waiting: state.place.waiting.clone(),
        })
    }

    /// Nobody reads on: what was read in vain is recorded, too, so that whoever looks at the log alone sees what is left.
    fn ends(&self) {
        let mut state = self.state.lock();
        state.delivered |= state.moved;
    }

    /// It may not have been recorded after all.
    fn is_due_again(&self) {
        self.state.lock().delivered = true;
    }

    fn measure(&self) {
        let state = self.state.lock();
        let unread = self.tap.watermark().saturating_sub(state.place.head);
        let age = state.place.oldest.map_or(0, |oldest| self.tap.now().saturating_sub(oldest));
        self.show(unread + state.place.open, age);
    }

    /// The partition is gone: whoever has it now tells how far it trails.
    pub fn close(&self) {
        self.show(0, 0);
    }

    fn show(&self, records: u64, age: Millis) {
        let (name, partition) = (self.consumer.clone(), self.tap.partition().to_string());
        metrics::gauge!("duolog_consumer_lag_records", "consumer" => name.clone(), "partition" => partition.clone())
            .set(records as f64);
        metrics::gauge!("duolog_consumer_lag_seconds", "consumer" => name, "partition" => partition)
            .set(age as f64 / 1000.0);
    }
}

/// Records positions until it is told to stop.
pub async fn record(ledgers: Vec<Arc<Ledger>>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        ledgers.iter().for_each(|ledger| ledger.measure());
        record_due(&ledgers).await;
    }
}

/// Records how far consumers have come that have stopped.
pub async fn record_ends(ledgers: &[Arc<Ledger>]) {
    ledgers.iter().for_each(|ledger| ledger.ends());
    record_due(ledgers).await;
}

/// Records what is due, one event a partition.
pub async fn record_due(ledgers: &[Arc<Ledger>]) {
    let mut due: BTreeMap<u32, (Vec<ConsumerAdvance>, Vec<&Arc<Ledger>>)> = BTreeMap::new();
    for ledger in ledgers {
        if let Some(advance) = ledger.due() {
            let (advances, written) = due.entry(ledger.tap.partition()).or_default();
            advances.push(advance);
            written.push(ledger);
        }
    }
    for (partition, (advances, written)) in due {
        match written[0].tap.advance(advances).await {
            Ok(()) => {}
            Err(EngineError::NotOwner { .. }) => {
                tracing::debug!(partition, "its next owner goes on from the positions before these");
            }
            Err(error) => {
                tracing::warn!(partition, "positions of consumers were not recorded, they are tried again: {error}");
                written.into_iter().for_each(|ledger| ledger.is_due_again());
            }
        }
    }
}
