use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// So many tries in a row that fail, with none between them that succeeds, are an outage and not the fault of a delivery.
const OUTAGE: u32 = 8;
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// A receiver may ask for a longer delay than ours, up to this one.
const LONGEST_WISH: Duration = Duration::from_secs(3_600);

/// Whether the other side of a consumer answers. When it comes back after an outage, everything that waits is tried at
/// once instead of after its delay, but for what the receiver wished to have later.
#[derive(Default)]
pub struct Receiver {
    failures: AtomicU32,
    back: Notify,
}

impl Receiver {
    pub fn succeeded(&self) {
        if self.failures.swap(0, Ordering::AcqRel) >= OUTAGE {
            self.back.notify_waiters();
        }
    }

    pub fn failed(&self) {
        // It stays far below the end: a success sets it back.
        self.failures.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| Some(n.saturating_add(1))).ok();
    }

    pub fn is_out(&self) -> bool {
        self.failures.load(Ordering::Acquire) >= OUTAGE
    }

    /// Waits for a delay, or until an outage ends; in any case as long as the receiver wished.
    pub async fn wait(&self, delay: Duration, wish: Option<Duration>) {
        let back = async {
            if wish.is_some() {
                tokio::time::sleep(granted(wish)).await;
            }
            self.back.notified().await;
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = back => {}
        }
    }
}

fn granted(wish: Option<Duration>) -> Duration {
    wish.unwrap_or_default().min(LONGEST_WISH)
}

/// The delay after so many failed tries: doubled with each, between its half and the whole of it, so that what failed
/// together does not come back together. Never shorter than the receiver wished.
pub fn delay(tries: u32, wish: Option<Duration>, random: u64) -> Duration {
    let doubled = FIRST_DELAY.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_DELAY);
    let half = doubled / 2;
    let jitter = half.mul_f64(random as f64 / u64::MAX as f64);
    (half + jitter).max(granted(wish))
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[test]
    fn delays_grow_to_a_minute_and_a_wish_counts() {
        assert_eq!(delay(1, None, 0), FIRST_DELAY / 2);
        assert_eq!(delay(1, None, u64::MAX), FIRST_DELAY);
        assert_eq!(delay(3, None, u64::MAX), FIRST_DELAY * 4);
        assert_eq!(delay(u32::MAX, None, u64::MAX), LONGEST_DELAY);
        assert_eq!(delay(1, Some(Duration::from_secs(90)), 0), Duration::from_secs(90));
        assert_eq!(delay(1, Some(Duration::MAX), 0), LONGEST_WISH);
    }

    #[tokio::test]
    async fn the_end_of_an_outage_ends_delays_but_no_wish() {
        let receiver = Receiver::default();
        let mut waits = std::pin::pin!(receiver.wait(Duration::MAX, None));
        let mut asked = std::pin::pin!(receiver.wait(Duration::MAX, Some(LONGEST_WISH)));
        assert!(poll!(&mut waits).is_pending() && poll!(&mut asked).is_pending());
        (0..OUTAGE).for_each(|_| receiver.failed());
        receiver.succeeded();
        waits.await;
        assert!(poll!(asked).is_pending());
    }

    #[test]
    fn an_outage_is_many_failures_and_no_success() {
        let receiver = Receiver::default();
        (1..OUTAGE).for_each(|_| receiver.failed());
        assert!(!receiver.is_out());
        receiver.failed();
        assert!(receiver.is_out());
        receiver.succeeded();
        assert!(!receiver.is_out());
    }
}
