//! One partition in memory: where it begins and ends, and its newest records.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::log::tail::Tail;
use crate::log::{Bounds, ReadLimit, Stored};

/// The bounds of a partition, its tail cache, and those who wait for it to grow.
pub(super) struct Partition {
    state: Mutex<State>,
    grown: Condvar,
}

struct State {
    bounds: Bounds,
    /// Up to the high watermark: readers that keep up never touch the disk.
    tail: Tail,
    wakes: u64,
}

impl Partition {
    pub(super) fn new(bounds: Bounds) -> Self {
        let state = State { bounds, tail: Tail::default(), wakes: 0 };
        Self { state: state.into(), grown: Condvar::new() }
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.state.lock().bounds
    }

    /// Makes records readable that are durable now.
    ///
    /// # Panics
    /// If they do not follow on the high watermark: offsets are contiguous.
    pub(super) fn publish(&self, records: impl IntoIterator<Item = Stored>) {
        let mut state = self.state.lock();
        for stored in records {
            assert_eq!(stored.offset, state.bounds.high_watermark, "records follow on one another");
            state.bounds.high_watermark += 1;
            state.tail.push(stored);
        }
        self.grown.notify_all();
    }

    /// The records from an offset, if the tail cache reaches back to it.
    pub(super) fn newest(&self, from: u64, limit: ReadLimit) -> Option<Vec<Stored>> {
        let state = self.state.lock();
        if from >= state.bounds.high_watermark {
            return Some(Vec::new());
        }
        state.tail.read(from, limit)
    }

    /// See [`crate::log::Log::wait`].
    pub(super) fn wait(&self, from: u64, timeout: Duration) -> u64 {
        let mut state = self.state.lock();
        let wakes = state.wakes;
        let idle = |state: &mut State| state.bounds.high_watermark <= from && state.wakes == wakes;
        self.grown.wait_while_for(&mut state, idle, timeout);
        state.bounds.high_watermark
    }

    pub(super) fn wake(&self) {
        self.state.lock().wakes += 1;
        self.grown.notify_all();
    }

    /// Moves the beginning. It never goes back, nor beyond the end.
    pub(super) fn begin_at(&self, first: u64) {
        let mut state = self.state.lock();
        state.bounds.first = first.clamp(state.bounds.first, state.bounds.high_watermark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::conformance::record;
    use crate::log::tail::{TAIL_BYTES, TAIL_RECORDS};

    const ALL: ReadLimit = ReadLimit { records: usize::MAX, bytes: usize::MAX };

    fn stored(offset: u64) -> Stored {
        Stored { offset, record: record(offset) }
    }

    #[test]
    fn the_tail_holds_the_newest_and_no_more_than_its_limits() {
        let partition = Partition::new(Bounds { first: 10, high_watermark: 100 });
        assert_eq!(partition.newest(100, ALL), Some(vec![]), "at the end there is nothing to fetch");
        assert_eq!(partition.newest(99, ALL), None);

        let end = 100 + 2 * TAIL_RECORDS as u64;
        for offset in 100..end {
            partition.publish([stored(offset)]);
        }
        let oldest = end - TAIL_RECORDS as u64;
        assert_eq!(partition.newest(oldest - 1, ALL), None);
        assert_eq!(partition.newest(oldest, ALL), Some((oldest..end).map(stored).collect()));

        let mut large = stored(end);
        large.record.payload = vec![0; TAIL_BYTES + 1].into();
        partition.publish([large]);
        assert_eq!(partition.newest(end, ALL), None, "a record larger than the tail is not in it");
        partition.publish([stored(end + 1)]);
        assert_eq!(partition.newest(end + 1, ALL), Some(vec![stored(end + 1)]));
    }

    #[test]
    #[should_panic = "records follow on one another"]
    fn a_hole_is_never_published() {
        Partition::new(Bounds { first: 0, high_watermark: 5 }).publish([stored(6)]);
    }
}
