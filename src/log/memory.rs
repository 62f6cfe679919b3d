//! A log in memory, for tests: several partitions, faults on demand, and copies as a crash would leave them.

use std::{sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{Bounds, Log, LogError, MAX_BATCH_BYTES, ReadLimit, Record, Stored};

/// A handle of a log in memory. A clone is another writer and reader of the same log, as another node would be: so a
/// test appends foreign records through any handle. [`MemoryLog::fork`] is an independent copy.
#[derive(Clone)]
pub struct MemoryLog {
    partitions: Arc<[Partition]>,
}

/// What the next append of a partition meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing is written; the appender hears so.
    Busy,
    /// The appender hears nothing certain; this many records of its batch are written.
    Unknown { written: usize },
    /// A failed sync: this append is unknown and not written, and every later one of the partition is refused.
    Poison,
}

#[derive(Default)]
struct Partition {
    state: Mutex<State>,
    grown: Condvar,
}

#[derive(Default)]
struct State {
    first: u64,
    /// From `first` on, without a hole.
    records: Vec<Record>,
    fault: Option<Fault>,
    /// The next read from here fails.
    unreachable: Option<u64>,
    poisoned: bool,
    wakes: u64,
}

impl State {
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    fn push(&mut self, batch: impl IntoIterator<Item = Record>) -> Vec<u64> {
        let base = self.end();
        self.records.extend(batch);
        (base..self.end()).collect()
    }

    fn from(&self, offset: u64) -> impl Iterator<Item = Stored> + '_ {
        let skip = usize::try_from(offset.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let records = self.records.iter().enumerate().skip(skip);
        records.map(|(at, record)| Stored { offset: self.first + at as u64, record: record.clone() })
    }
}

impl MemoryLog {
    /// An empty log whose partitions begin at offset 0.
    pub fn new(partitions: u32) -> Self {
        Self::starting_at(partitions, 0)
    }

    /// An empty log whose partitions begin at some other offset, as after a trim of everything.
    pub fn starting_at(partitions: u32, first: u64) -> Self {
        let partition = |_| Partition { state: State { first, ..State::default() }.into(), ..Partition::default() };
        Self { partitions: (0..partitions).map(partition).collect() }
    }

    /// A copy of the contents that shares nothing with this log: what a crash now would leave. It is not poisoned.
    pub fn fork(&self) -> Self {
        self.fork_until(&vec![u64::MAX; self.partitions.len()])
    }

    /// The same, but each partition ends before the offset given for it: what a crash that lost a tail would leave.
    ///
    /// # Panics
    /// If there is not one end for each partition.
    pub fn fork_until(&self, ends: &[u64]) -> Self {
        assert_eq!(ends.len(), self.partitions.len(), "one end for each partition");
        let copy = |(partition, end): (&Partition, &u64)| {
            let state = partition.state.lock();
            let keep = usize::try_from(end.saturating_sub(state.first)).unwrap_or(usize::MAX);
            let records = state.records.iter().take(keep).cloned().collect();
            Partition {
                state: State { first: state.first, records, ..State::default() }.into(),
                ..Partition::default()
            }
        };
        Self { partitions: self.partitions.iter().zip(ends).map(copy).collect() }
    }

    /// All records of a partition, oldest first.
    ///
    /// # Errors
    /// [`LogError::NoPartition`].
    pub fn contents(&self, partition: u32) -> Result<Vec<Stored>, LogError> {
        let (_, state) = self.locked(partition)?;
        let all = state.from(state.first).collect();
        Ok(all)
    }

    /// Makes the next append to a partition fail.
    ///
    /// # Errors
    /// [`LogError::NoPartition`].
    pub fn fail_next(&self, partition: u32, fault: Fault) -> Result<(), LogError> {
        self.locked(partition)?.1.fault = Some(fault);
        Ok(())
    }

    /// Makes the next read from an offset fail, as where a broker is away for a moment.
    ///
    /// # Errors
    /// [`LogError::NoPartition`].
    pub fn fail_next_read(&self, partition: u32, from: u64) -> Result<(), LogError> {
        self.locked(partition)?.1.unreachable = Some(from);
        Ok(())
    }

    fn locked(&self, partition: u32) -> Result<(&Partition, MutexGuard<'_, State>), LogError> {
        let found = self.partitions.get(partition as usize).ok_or(LogError::NoPartition(partition))?;
        Ok((found, found.state.lock()))
    }
}

impl Log for MemoryLog {
    fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    fn append(&self, partition: u32, batch: Vec<Record>) -> Result<Vec<u64>, LogError> {
        let (place, mut state) = self.locked(partition)?;
        let size = batch.iter().map(Record::size).sum();
        if size > MAX_BATCH_BYTES {
            return Err(LogError::TooLarge { size, limit: MAX_BATCH_BYTES });
        }
        if state.poisoned {
            return Err(LogError::Poisoned("as the test asked".into()));
        }
        let unknown = Err(LogError::Unknown("as the test asked".into()));
        let answer = match state.fault.take() {
            None => Ok(state.push(batch)),
            Some(Fault::Busy) => Err(LogError::Busy("as the test asked")),
            Some(Fault::Unknown { written }) => {
                state.push(batch.into_iter().take(written));
                unknown
            }
            Some(Fault::Poison) => {
                state.poisoned = true;
                unknown
            }
        };
        place.grown.notify_all();
        answer
    }

    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        let (_, mut state) = self.locked(partition)?;
        if state.unreachable.take_if(|unreachable| *unreachable == from).is_some() {
            return Err(LogError::Unreachable("as the test asked".into()));
        }
        if from < state.first {
            return Err(LogError::Trimmed { partition, wanted: from, first: state.first });
        }
        Ok(limit.take(state.from(from)))
    }

    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError> {
        let (place, mut state) = self.locked(partition)?;
        let wakes = state.wakes;
        place.grown.wait_while_for(&mut state, |state| state.end() <= from && state.wakes == wakes, timeout);
        Ok(state.end())
    }

    fn wake(&self, partition: u32) {
        if let Ok((place, mut state)) = self.locked(partition) {
            state.wakes += 1;
            place.grown.notify_all();
        }
    }

    fn trim(&self, partition: u32, below: u64) -> Result<(), LogError> {
        let (_, mut state) = self.locked(partition)?;
        let below = below.clamp(state.first, state.end());
        let gone = (below - state.first) as usize;
        state.records.drain(..gone);
        state.first = below;
        Ok(())
    }

    fn bounds(&self, partition: u32) -> Result<Bounds, LogError> {
        let (_, state) = self.locked(partition)?;
        Ok(Bounds { first: state.first, high_watermark: state.end() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::conformance::{self, Provider, record};

    #[test]
    fn it_keeps_the_promise() {
        conformance::suite(&Provider::volatile(|partitions| Box::new(MemoryLog::new(partitions))));
    }

    #[test]
    fn it_keeps_the_promise_from_another_start() {
        conformance::suite(&Provider::volatile(|partitions| Box::new(MemoryLog::starting_at(partitions, 7_000))));
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let log = MemoryLog::new(2);
        log.append(0, vec![record(0), record(1), record(2)]).unwrap();
        log.append(1, vec![record(9)]).unwrap();
        let crashed = log.fork_until(&[2, 0]);
        log.append(0, vec![record(3)]).unwrap();
        crashed.append(1, vec![record(8)]).unwrap();

        let keys = |log: &MemoryLog, p| log.contents(p).unwrap().into_iter().map(|s| s.record).collect::<Vec<_>>();
        assert_eq!(keys(&log, 0), [record(0), record(1), record(2), record(3)]);
        assert_eq!(keys(&crashed, 0), [record(0), record(1)]);
        assert_eq!(keys(&crashed, 1), [record(8)]);
        assert_eq!(keys(&log.fork(), 1), [record(9)]);
    }

    #[test]
    fn faults_tell_the_appender_no_more_than_a_real_log_could() {
        let log = MemoryLog::new(1);
        let append = |fault| {
            log.fail_next(0, fault).unwrap();
            let error = log.append(0, vec![record(1), record(2)]).unwrap_err();
            (error.retry(), log.bounds(0).unwrap().high_watermark)
        };
        assert_eq!(append(Fault::Busy), (true, 0));
        assert_eq!(append(Fault::Unknown { written: 0 }), (false, 0));
        assert_eq!(append(Fault::Unknown { written: 1 }), (false, 1));
        assert_eq!(append(Fault::Poison), (false, 1));
        assert!(matches!(log.append(0, vec![record(3)]), Err(LogError::Poisoned(_))));
        assert_eq!(log.fork().append(0, vec![record(3)]).unwrap(), [1]);
    }
}
