//! The clocks. Three times are kept apart:
//!
//! - *Record time* is what the appender stamps on a record, from a [`Clock`]. The fold knows no other: the times of
//!   messages that are sent, expiry and windows follow it, so that a rebuild comes out the same.
//! - The *anchored time* of a [`Clock`] is what a running server decides by: signatures and sessions, rates, the age of
//!   deliveries.
//! - *Wall time* ([`wall`]) is what others compare with clocks of their own: requests among nodes, what receivers of
//!   callbacks and push services get, what commands sign, when a checkpoint was made. A [`Clock`] is anchored to it once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use duolog_topics::Millis;

/// A clock that never goes back and never jumps: anchored to the wall clock once, at start, and monotonic from there.
///
/// A wall clock that is set while the server runs changes nothing until the next start; [`Clock::drift`] tells of it.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Monotonic { anchor: Instant, anchored_at: Millis },
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Anchors a clock to the wall clock, or to `at_least` if that is later: a log's time does not go back.
    pub fn anchored(at_least: Millis) -> Self {
        Self(Kind::Monotonic { anchor: Instant::now(), anchored_at: wall().max(at_least) })
    }

    /// A clock that stands still until it is moved, for tests.
    pub fn manual(time: Millis) -> Self {
        Self(Kind::Manual(Arc::new(AtomicU64::new(time))))
    }

    /// Unix milliseconds.
    pub fn now(&self) -> Millis {
        match &self.0 {
            Kind::Monotonic { anchor, anchored_at } => anchored_at + anchor.elapsed().as_millis() as u64,
            Kind::Manual(time) => time.load(Ordering::Relaxed),
        }
    }

    /// Moves a manual clock forward; the other one moves itself.
    pub fn advance(&self, by: Millis) {
        if let Kind::Manual(time) = &self.0 {
            time.fetch_add(by, Ordering::Relaxed);
        }
    }

    /// How far the wall clock is ahead of this one, in milliseconds.
    pub fn drift(&self) -> i64 {
        wall() as i64 - self.now() as i64
    }
}

/// Unix milliseconds of the wall clock, which may jump.
pub fn wall() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
