use duolog_topics::Millis;
use parking_lot::Mutex;

/// A token bucket: as many calls a second as it is wide, and that many at once after a quiet second.
#[derive(Debug)]
pub struct Bucket {
    /// Calls a second; 0 = no limit.
    rate: u64,
    level: Mutex<Level>,
}

/// Tokens are counted in thousandths, so that a millisecond adds `rate` of them.
#[derive(Debug)]
struct Level {
    tokens: u64,
    at: Millis,
}

const TOKEN: u64 = 1_000;

impl Bucket {
    /// A full bucket.
    pub fn new(rate: u32) -> Self {
        let rate = u64::from(rate);
        Self { rate, level: Mutex::new(Level { tokens: rate * TOKEN, at: 0 }) }
    }

    /// Takes a token; `false` if there is none at `now`. A clock that goes back adds nothing.
    pub fn take(&self, now: Millis) -> bool {
        if self.rate == 0 {
            return true;
        }
        let mut level = self.level.lock();
        let added = now.saturating_sub(level.at).saturating_mul(self.rate);
        level.tokens = level.tokens.saturating_add(added).min(self.rate * TOKEN);
        level.at = level.at.max(now);
        if level.tokens < TOKEN {
            return false;
        }
        level.tokens -= TOKEN;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &Bucket, now: Millis) -> usize {
        (0..1_000).filter(|_| bucket.take(now)).count()
    }

    #[test]
    fn gives_its_rate_at_once_and_then_its_rate_a_second() {
        let bucket = Bucket::new(10);
        assert_eq!(taken(&bucket, 5_000), 10);
        assert_eq!(taken(&bucket, 5_099), 0);
        assert_eq!(taken(&bucket, 5_100), 1);
        assert_eq!(taken(&bucket, 5_650), 5);
        assert_eq!(taken(&bucket, 90_000), 10);
    }

    #[test]
    fn parts_of_a_token_are_not_lost() {
        let bucket = Bucket::new(3);
        taken(&bucket, 0);
        let later = (1..=1_000).filter(|now| bucket.take(*now)).count();
        assert_eq!(later, 3);
    }

    #[test]
    fn a_clock_that_goes_back_adds_nothing() {
        let bucket = Bucket::new(10);
        assert_eq!(taken(&bucket, 10_000), 10);
        assert_eq!(taken(&bucket, 1_000), 0);
        assert_eq!(taken(&bucket, 10_100), 1);
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(taken(&Bucket::new(0), 0), 1_000);
    }
}
