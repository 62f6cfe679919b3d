//! What leaves the log: consumers read what is folded and tell somebody outside, once each or more, never not at all.
//!
//! ```text
//!  log of one partition                                        rows of the fold
//!  ┌────┬────┬────┬────┬────┬────┐ watermark                   ┌──────────────────────┐
//!  │ 41 │ 42 │ 43 │ 44 │ 45 │ 46 │◄── no further               │ messages, outcomes   │
//!  └────┴────┴────┴────┴────┴────┘                             └──────────┬───────────┘
//!        │ read                       join: what the fold kept of a record│; a repeat or a refusal left nothing
//!        ▼                                                                ▼
//!   Consumer::deliveries(record) ──► window: lanes in order, parallel to each other, bounded
//!                                      lane a ▸ 42-0 ▸ 45-0        one delivery (or batch) of a lane at a time
//!                                      lane b ▸ 44-0
//!                                      │
//!                                      ▼
//!   Consumer::deliver(batch) ──► Done ──────────────► the window forgets it; the position moves
//!            ▲                   Retry ─ back-off ─┐  until it is too old
//!            └─────────────────────────────────────┤
//!                                GiveUp ───────────┴► dead letters, with the reason
//!
//!   position ──► `consumers.advanced`, at most one record a second, only after something was delivered
//! ```
//!
//! A [`Consumer`] says which deliveries a record causes and makes one try; the runner owns everything else: positions,
//! order, parallelism, retries, dead letters, metrics. Each consumer has a runner for each partition, and runners share
//! nothing but the log: one that hangs delays neither a send nor another consumer. Runners come and go with the partitions
//! that this process owns (`partitions`).
//!
//! **At least once.** A delivery's id is made of its record's id and a number, so it is the same at every try, after a
//! restart and after a rebuild. A position is an event in the partition that it is about, so it is as durable as the
//! messages and moves with the state. It names the first record that was not read, and the few below it whose deliveries
//! are still tried: one that fails for hours does not make everything after it come twice.

pub mod callback;
pub mod dead_letters;
mod delivery;
mod http;
mod joined;
mod lane;
mod partitions;
mod positions;
pub mod push;
mod receiver;
pub mod records;
mod redelivery;
mod runner;
mod start;
#[cfg(test)]
mod tests;
mod window;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use duolog_topics::EventKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use dead_letters::DeadLetters;
pub use delivery::{Delivery, Lane};
pub use joined::{Joined, Kept, join};
pub use redelivery::{Redelivered, Redelivery};
pub use runner::is_progress;
pub use start::{Consumers, Running, StartError};

/// One consumer of the log, such as one receiver of callbacks.
pub trait Consumer: Send + Sync + 'static {
    /// What one delivery holds; written as JSON into a dead letter, so that it can be delivered again.
    type Payload: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Its name in positions, metrics and dead letters, without the character 0x00; never given to another consumer.
    fn name(&self) -> &str;

    fn settings(&self) -> Settings;

    /// Whether records of this kind may cause deliveries; others are not even decoded.
    fn wants(&self, kind: EventKind) -> bool;

    /// What a record causes, made with [`Joined::delivery`]. The same at every call: it may not depend on time or state.
    fn deliveries(&self, record: &Joined<'_>) -> Vec<Delivery<Self::Payload>>;

    /// One try to deliver consecutive deliveries of one lane, at most [`Settings::batch`] of them. It has to end by itself.
    fn deliver(&self, batch: &[Arc<Delivery<Self::Payload>>]) -> impl Future<Output = Attempt> + Send;
}

/// How a consumer wants to be run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Tries under way at once, over all partitions.
    pub parallel: usize,
    /// Deliveries of one lane that one try takes.
    pub batch: usize,
    /// A delivery whose record is older is given up when a try fails.
    pub give_up: Duration,
}

/// What became of a try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attempt {
    Done,
    /// Try again later: not before `after`, if the receiver has said so.
    Retry {
        reason: String,
        after: Option<Duration>,
    },
    /// No later try can succeed.
    GiveUp {
        reason: String,
    },
}
