use duolog_topics::Millis;

/// A token bucket: so many a second, saved up for at most one second.
pub struct Rate {
    /// 0 = no limit.
    per_second: u32,
    /// Thousandths of a token.
    saved: u64,
    filled: Millis,
}

const TOKEN: u64 = 1000;

impl Rate {
    pub fn new(per_second: u32, now: Millis) -> Self {
        Self { per_second, saved: u64::from(per_second) * TOKEN, filled: now }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none; in so many milliseconds there is one.
    pub fn take(&mut self, now: Millis) -> Result<(), u64> {
        let per_second = u64::from(self.per_second);
        if per_second == 0 {
            return Ok(());
        }
        // Tokens a second are thousandths of a token a millisecond.
        let gained = now.saturating_sub(self.filled).saturating_mul(per_second);
        self.saved = self.saved.saturating_add(gained).min(per_second * TOKEN);
        self.filled = now;
        match self.saved.checked_sub(TOKEN) {
            Some(rest) => {
                self.saved = rest;
                Ok(())
            }
            None => Err((TOKEN - self.saved).div_ceil(per_second)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_so_many_through_a_second() {
        let mut rate = Rate::new(2, 0);
        assert_eq!((rate.take(0), rate.take(0), rate.take(0)), (Ok(()), Ok(()), Err(500)));
        assert_eq!(rate.take(400), Err(100));
        assert_eq!((rate.take(500), rate.take(500)), (Ok(()), Err(500)));
        // Nothing is saved up beyond a second.
        assert_eq!([9_000; 3].map(|now| rate.take(now)), [Ok(()), Ok(()), Err(500)]);
    }

    #[test]
    fn zero_is_no_limit() {
        let mut rate = Rate::new(0, 0);
        assert!((0..10_000).all(|_| rate.take(0).is_ok()));
    }
}
