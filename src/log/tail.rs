use std::collections::VecDeque;

use super::{ReadLimit, Stored};

/// Newest records that are kept in memory: readers that keep up never ask for them.
pub(super) const TAIL_RECORDS: usize = 4_096;
pub(super) const TAIL_BYTES: usize = 8 << 20;

/// The newest records of a partition, without a hole.
#[derive(Default)]
pub(super) struct Tail {
    records: VecDeque<Stored>,
    bytes: usize,
}

impl Tail {
    /// Adds a record. One that comes before the tail's end is too late; one that does not follow on it starts a new tail.
    pub fn push(&mut self, stored: Stored) {
        if let Some(last) = self.records.back() {
            if stored.offset <= last.offset {
                return;
            }
            if stored.offset > last.offset + 1 {
                self.records.clear();
                self.bytes = 0;
            }
        }
        self.bytes += stored.record.size();
        self.records.push_back(stored);
        while self.records.len() > TAIL_RECORDS || self.bytes > TAIL_BYTES {
            let Some(oldest) = self.records.pop_front() else { break };
            self.bytes -= oldest.record.size();
        }
    }

    /// The records from an offset, if the tail has that one.
    pub fn read(&self, from: u64, limit: ReadLimit) -> Option<Vec<Stored>> {
        let skip = usize::try_from(from.checked_sub(self.records.front()?.offset)?).ok()?;
        (skip < self.records.len()).then(|| limit.take(self.records.range(skip..).cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::conformance::record;

    const ALL: ReadLimit = ReadLimit { records: usize::MAX, bytes: usize::MAX };

    fn offsets(tail: &Tail, from: u64) -> Option<Vec<u64>> {
        Some(tail.read(from, ALL)?.iter().map(|stored| stored.offset).collect())
    }

    #[test]
    fn a_tail_never_has_a_hole() {
        let mut tail = Tail::default();
        for offset in [5, 6, 9, 10, 7, 10] {
            tail.push(Stored { offset, record: record(offset) });
        }
        assert_eq!(offsets(&tail, 9), Some(vec![9, 10]));
        assert_eq!([5, 6, 7, 8, 11].map(|from| offsets(&tail, from)), [const { None }; 5]);
    }
}
