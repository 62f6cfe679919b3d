//! Group commit: of the appenders that wait, one writes for all of them, and the next ones gather meanwhile.
//!
//! ```text
//! appender 1   write [1] ──────────► gets its offsets
//! appender 2      joins ··········  write [2 3 4] ─────► gets its offsets
//! appender 3         joins ········ waits ·············► gets its offsets
//! appender 4           joins ······ waits ·············► gets its offsets
//! ```
//!
//! No thread of its own and no added delay: a lone appender writes at once, on its own thread. There is never more than
//! one write under way, so records become durable in the order of their offsets.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::{Condvar, Mutex};

use crate::log::{LogError, MAX_BATCH_BYTES, Record};

/// Bytes that may wait for the disk before appenders are told that the log is busy.
const MAX_WAITING_BYTES: usize = 4 * MAX_BATCH_BYTES;

/// One appender's batch.
pub(super) struct Batch {
    pub partition: u32,
    pub records: Vec<Record>,
}

pub(super) type Offsets = Result<Vec<u64>, LogError>;

/// The batches that wait, and whether somebody writes.
#[derive(Default)]
pub(super) struct Group {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    writing: bool,
}

struct Waiting {
    batch: Batch,
    size: usize,
    ticket: Arc<Ticket>,
}

/// Where an appender waits for its turn to write, or for its answer. Both change under the lock of the queue.
#[derive(Default)]
struct Ticket {
    answer: Mutex<Option<Offsets>>,
    turn: Condvar,
}

impl Group {
    /// Has `write` called, here or by another appender, with this batch among others, and returns the answer for it.
    /// `write` gives one answer for each batch, in order.
    pub(super) fn append(&self, batch: Batch, write: impl Fn(Vec<Batch>) -> Vec<Offsets>) -> Offsets {
        let size = batch.records.iter().map(Record::size).sum();
        if size > MAX_BATCH_BYTES {
            return Err(LogError::TooLarge { size, limit: MAX_BATCH_BYTES });
        }
        let ticket = Arc::new(Ticket::default());
        let mut queue = self.queue.lock();
        if queue.bytes + size > MAX_WAITING_BYTES {
            return Err(LogError::Busy("too many bytes wait for the disk"));
        }
        queue.bytes += size;
        queue.waiting.push_back(Waiting { batch, size, ticket: ticket.clone() });
        loop {
            if let Some(answer) = ticket.answer.lock().take() {
                return answer;
            }
            if queue.writing {
                ticket.turn.wait(&mut queue);
                continue;
            }
            queue.writing = true;
            let (batches, mut lead) = self.lead(queue.take());
            drop(queue);
            lead.answers = write(batches);
            drop(lead);
            queue = self.queue.lock();
        }
    }

    fn lead(&self, members: Vec<Waiting>) -> (Vec<Batch>, Lead<'_>) {
        let (batches, tickets) = members.into_iter().map(|member| (member.batch, member.ticket)).unzip();
        (batches, Lead { group: self, tickets, answers: Vec::new() })
    }
}

impl Queue {
    /// The batches of the next write: as many as make one batch of the largest size, and at least one.
    fn take(&mut self) -> Vec<Waiting> {
        let mut bytes = 0;
        let fits = |waiting: &&Waiting| {
            bytes += waiting.size;
            bytes <= MAX_BATCH_BYTES
        };
        let count = self.waiting.iter().take_while(fits).count();
        let members: Vec<Waiting> = self.waiting.drain(..count).collect();
        self.bytes -= members.iter().map(|member| member.size).sum::<usize>();
        members
    }
}

/// The lead of a write: when it ends, however it ends, everybody in it has an answer and the next one takes over.
struct Lead<'a> {
    group: &'a Group,
    tickets: Vec<Arc<Ticket>>,
    answers: Vec<Offsets>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = self.group.queue.lock();
        queue.writing = false;
        let mut answers = self.answers.drain(..);
        for ticket in &self.tickets {
            let lost = || Err(LogError::Unknown("the thread that wrote it failed".into()));
            *ticket.answer.lock() = Some(answers.next().unwrap_or_else(lost));
            ticket.turn.notify_one();
        }
        if let Some(next) = queue.waiting.front() {
            next.ticket.turn.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Barrier, mpsc},
        thread,
    };

    use super::*;
    use crate::log::conformance::record;

    fn batch(partition: u32) -> Batch {
        Batch { partition, records: vec![record(u64::from(partition))] }
    }

    fn offsets(batches: &[Batch]) -> Vec<Offsets> {
        batches.iter().map(|batch| Ok(vec![u64::from(batch.partition)])).collect()
    }

    /// Waits until so many batches wait; they cannot go on until the test lets the writer go on.
    fn gathered(group: &Group, count: usize) {
        while group.queue.lock().waiting.len() < count {
            thread::yield_now();
        }
    }

    #[test]
    fn what_gathers_during_a_write_is_the_next_write() {
        let group = Group::default();
        let (held, go) = (Barrier::new(2), Barrier::new(2));
        let (sizes, seen) = mpsc::channel();
        thread::scope(|scope| {
            let (group, held, go) = (&group, &held, &go);
            let first = scope.spawn(move || {
                group.append(batch(0), |batches| {
                    held.wait();
                    go.wait();
                    offsets(&batches)
                })
            });
            held.wait();
            let write = |batches: Vec<Batch>| {
                sizes.send(batches.len()).unwrap();
                offsets(&batches)
            };
            let others: Vec<_> =
                (1..=5).map(|number| scope.spawn(move || group.append(batch(number), write))).collect();
            gathered(group, 5);
            go.wait();
            assert_eq!(first.join().unwrap(), Ok(vec![0]));
            for (number, other) in (1..).zip(others) {
                assert_eq!(other.join().unwrap(), Ok(vec![number]));
            }
        });
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn a_writer_that_panics_leaves_nobody_waiting() {
        let group = Group::default();
        let (held, go) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            let (group, held, go) = (&group, &held, &go);
            let first = scope.spawn(move || {
                group.append(batch(0), |_| {
                    held.wait();
                    go.wait();
                    panic!("as the test asked")
                })
            });
            held.wait();
            let second = scope.spawn(move || group.append(batch(1), |batches| offsets(&batches)));
            gathered(group, 1);
            go.wait();
            assert!(first.join().is_err());
            assert_eq!(second.join().unwrap(), Ok(vec![1]));
        });
    }

    #[test]
    fn too_much_that_waits_is_refused() {
        let group = Group::default();
        let large = || Batch { partition: 1, records: vec![record(0); MAX_BATCH_BYTES / record(0).size()] };
        let (held, go) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            let (group, held, go) = (&group, &held, &go);
            scope.spawn(move || {
                group.append(batch(0), |batches| {
                    held.wait();
                    go.wait();
                    offsets(&batches)
                })
            });
            held.wait();
            for _ in 0..MAX_WAITING_BYTES / MAX_BATCH_BYTES {
                scope.spawn(move || group.append(large(), |batches| offsets(&batches)));
            }
            gathered(group, MAX_WAITING_BYTES / MAX_BATCH_BYTES);
            let refused = group.append(large(), |batches| offsets(&batches)).unwrap_err();
            assert!(refused.retry(), "{refused}");
            go.wait();
        });
        assert_eq!(group.append(batch(7), |batches| offsets(&batches)), Ok(vec![7]));
    }
}
