use std::time::Duration;

use super::super::random_u32;

/// A link that held for this long makes the next wait short again.
const STEADY: Duration = Duration::from_secs(60);

/// The longest wait before another try.
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait before the next try: at random between 0 and min(30 s, 0.5 s x 2^n), as the protocol asks, so that
/// the clients of a server that went away do not come back at once.
#[derive(Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait, after a link that held for `connected`.
    pub fn next(&mut self, connected: Duration) -> Duration {
        if connected >= STEADY {
            self.failures = 0;
        }
        let most = Duration::from_millis(500).saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures += 1;
        most.mul_f64(f64::from(random_u32()) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_start_over_after_a_steady_link() {
        let mut backoff = Backoff::default();
        for failures in 0..20 {
            let most = Duration::from_millis(500 << failures.min(6)).min(LONGEST);
            assert!(backoff.next(Duration::ZERO) <= most);
        }
        assert!(backoff.next(STEADY) <= Duration::from_millis(500));
    }
}
