use std::cell::Cell;
use std::time::{Duration, Instant};

/// Work between two rests, about.
const PIECE: Duration = Duration::from_micros(200);
/// The longest piece that counts: a thread that had to wait for its core has rested already.
const LONGEST: Duration = Duration::from_millis(1);
/// A rest is at most so many times as long as the work before it.
const MOST: f64 = 3.0;
/// Steps between two looks at the clock.
const STEPS: u32 = 64;

/// Spreads work that nobody waits for over the time there is.
///
/// The lowest priority alone is not enough: a thread that runs keeps its core for some milliseconds, and two such threads are
/// all cores of a small machine. A fold that a thousand messages reach meanwhile is behind for as long again.
pub(super) struct Pace<U> {
    /// How many times as long as the work before it a rest is.
    rests: f64,
    is_urgent: U,
    /// Steps until the next look at the clock.
    steps: Cell<u32>,
    worked: Cell<Duration>,
    since: Cell<Instant>,
}

/// The rests that spread so much work over so much time.
pub(super) fn spreading(work: Duration, time: Duration) -> f64 {
    (time.as_secs_f64() / work.as_secs_f64().max(f64::EPSILON) - 1.0).clamp(0.0, MOST)
}

impl<U: Fn() -> bool> Pace<U> {
    /// What is urgent does not rest.
    pub fn new(rests: f64, is_urgent: U) -> Self {
        let steps = Cell::new(STEPS);
        Self { rests, is_urgent, steps, worked: Cell::default(), since: Cell::new(Instant::now()) }
    }

    /// Called after each little that was done: less than three microseconds.
    #[inline]
    pub fn step(&self) {
        self.steps.set(self.steps.get() - 1);
        if self.steps.get() == 0 {
            self.steps.set(STEPS);
            self.rest_after(self.since.get().elapsed());
        }
    }

    #[cold]
    fn rest_after(&self, piece: Duration) {
        if piece < PIECE {
            return;
        }
        let piece = piece.min(LONGEST);
        self.worked.set(self.worked.get() + piece);
        let rest = self.rest_for(piece);
        if rest > Duration::ZERO {
            std::thread::sleep(rest);
        }
        self.since.set(Instant::now());
    }

    /// The rest after a piece of work.
    pub fn rest_for(&self, piece: Duration) -> Duration {
        if self.rests > 0.0 && !(self.is_urgent)() { piece.mul_f64(self.rests) } else { Duration::ZERO }
    }

    /// How long the work took without the rests.
    pub fn worked(&self) -> Duration {
        self.worked.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_spread_over_the_time_there_is() {
        let millis = Duration::from_millis;
        assert_eq!(spreading(millis(250), millis(500)), 1.0);
        assert_eq!(spreading(millis(250), millis(125)), 0.0, "there is none to rest");
        assert_eq!(spreading(millis(250), millis(60_000)), MOST);
        assert_eq!(spreading(Duration::ZERO, Duration::ZERO), 0.0);
    }

    #[test]
    fn what_is_urgent_does_not_rest() {
        assert_eq!(Pace::new(2.0, || false).rest_for(PIECE), 2 * PIECE);
        assert_eq!(Pace::new(2.0, || true).rest_for(PIECE), Duration::ZERO);
        assert_eq!(Pace::new(0.0, || unreachable!("there is nothing to ask")).rest_for(PIECE), Duration::ZERO);
    }

    #[test]
    fn work_is_counted_without_the_rests() {
        let pace = Pace::new(MOST, || false);
        let begun = Instant::now();
        while pace.worked() < 2 * LONGEST {
            pace.step();
        }
        assert!(begun.elapsed() >= pace.worked().mul_f64(MOST), "it rests as long as it says");
    }
}
