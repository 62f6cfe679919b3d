use duolog_topics::Millis;

/// A token bucket: so many a second, and that many at once after a quiet second.
#[derive(Debug)]
pub struct Bucket {
    /// 0 = no limit.
    per_second: u64,
    /// Thousandths of a token, so that a millisecond adds `per_second` of them.
    saved: u64,
    filled: Millis,
}

const TOKEN: u64 = 1_000;

impl Bucket {
    /// A full bucket.
    pub fn new(per_second: u32, now: Millis) -> Self {
        let per_second = u64::from(per_second);
        Self { per_second, saved: per_second * TOKEN, filled: now }
    }

    /// Takes a token. A clock that goes back adds nothing.
    ///
    /// # Errors
    /// There is none; in so many milliseconds there is one.
    pub fn take(&mut self, now: Millis) -> Result<(), Millis> {
        if self.per_second == 0 {
            return Ok(());
        }
        let gained = now.saturating_sub(self.filled).saturating_mul(self.per_second);
        self.saved = self.saved.saturating_add(gained).min(self.per_second * TOKEN);
        self.filled = self.filled.max(now);
        match self.saved.checked_sub(TOKEN) {
            Some(rest) => {
                self.saved = rest;
                Ok(())
            }
            None => Err((TOKEN - self.saved).div_ceil(self.per_second)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &mut Bucket, now: Millis) -> usize {
        (0..1_000).filter(|_| bucket.take(now).is_ok()).count()
    }

    #[test]
    fn gives_its_rate_at_once_and_then_its_rate_a_second() {
        let mut bucket = Bucket::new(10, 0);
        assert_eq!(taken(&mut bucket, 5_000), 10);
        assert_eq!(taken(&mut bucket, 5_099), 0);
        assert_eq!(taken(&mut bucket, 5_100), 1);
        assert_eq!(taken(&mut bucket, 5_650), 5);
        assert_eq!(taken(&mut bucket, 90_000), 10);
    }

    #[test]
    fn says_when_there_is_one_again() {
        let mut bucket = Bucket::new(2, 0);
        assert_eq!([0; 3].map(|now| bucket.take(now)), [Ok(()), Ok(()), Err(500)]);
        assert_eq!(bucket.take(400), Err(100));
        assert_eq!([500; 2].map(|now| bucket.take(now)), [Ok(()), Err(500)]);
    }

    #[test]
    fn parts_of_a_token_are_not_lost() {
        let mut bucket = Bucket::new(3, 0);
        taken(&mut bucket, 0);
        let later = (1..=1_000).filter(|now| bucket.take(*now).is_ok()).count();
        assert_eq!(later, 3);
    }

    #[test]
    fn a_clock_that_goes_back_adds_nothing() {
        let mut bucket = Bucket::new(10, 0);
        assert_eq!(taken(&mut bucket, 10_000), 10);
        assert_eq!(taken(&mut bucket, 1_000), 0);
        assert_eq!(taken(&mut bucket, 10_100), 1);
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(taken(&mut Bucket::new(0, 0), 0), 1_000);
    }
}
