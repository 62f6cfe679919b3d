use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::log::tail::Tail;
use crate::log::{Bounds, ReadLimit, Record, Stored};

/// What is known of one partition, and those who wait for it to grow.
#[derive(Default)]
pub(super) struct Partition {
    marks: Mutex<Marks>,
    changed: Condvar,
    /// What was appended here: its fold needs not fetch it.
    tail: Mutex<Tail>,
}

#[derive(Clone, Copy, Default)]
struct Marks {
    first: u64,
    /// As last heard: the brokers may be further.
    high_watermark: u64,
    /// Counts whatever may be a reason to look again.
    stirs: u64,
    wakes: u64,
}

/// What a waiter had seen when it decided to wait.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    stirs: u64,
    wakes: u64,
}

impl Partition {
    /// The bounds as last heard.
    pub fn bounds(&self) -> Bounds {
        let Marks { first, high_watermark, .. } = *self.marks.lock();
        Bounds { first, high_watermark }
    }

    /// Takes over what the leader says. Neither mark goes back: an answer may be older than what was heard since.
    pub fn learn(&self, bounds: Bounds) {
        let mut marks = self.marks.lock();
        marks.first = marks.first.max(bounds.first);
        self.grow(&mut marks, bounds.high_watermark);
    }

    /// Takes over records that are durable at these offsets.
    pub fn appended(&self, offsets: &[u64], records: Vec<Record>) {
        let Some(last) = offsets.last() else { return };
        let stored = offsets.iter().zip(records).map(|(offset, record)| Stored { offset: *offset, record });
        let mut tail = self.tail.lock();
        stored.for_each(|stored| tail.push(stored));
        drop(tail);
        // The leader acks when its high watermark is there.
        self.reaches(last + 1);
    }

    /// The records from an offset, if they were appended here not long ago.
    pub fn newest(&self, from: u64, limit: ReadLimit) -> Option<Vec<Stored>> {
        self.tail.lock().read(from, limit)
    }

    /// Notes that all records below an offset can be read.
    pub fn reaches(&self, high_watermark: u64) {
        self.grow(&mut self.marks.lock(), high_watermark);
    }

    fn grow(&self, marks: &mut Marks, high_watermark: u64) {
        if high_watermark > marks.high_watermark {
            marks.high_watermark = high_watermark;
            marks.stirs += 1;
            self.changed.notify_all();
        }
    }

    /// Makes waiters look again. Called from librdkafka's threads: it takes no lock that a reader of its queues holds.
    pub fn stir(&self) {
        self.marks.lock().stirs += 1;
        self.changed.notify_all();
    }

    /// See [`crate::log::Log::wake`].
    pub fn wake(&self) {
        self.marks.lock().wakes += 1;
        self.changed.notify_all();
    }

    pub fn seen(&self) -> Seen {
        let Marks { stirs, wakes, .. } = *self.marks.lock();
        Seen { stirs, wakes }
    }

    /// Waits until something has happened since `seen`, or for the time. Whether the waiter was woken.
    pub fn wait(&self, seen: Seen, timeout: Duration) -> bool {
        let mut marks = self.marks.lock();
        let idle = |marks: &mut Marks| marks.stirs == seen.stirs && marks.wakes == seen.wakes;
        // A time that no clock holds is for ever; to look again after an hour does no harm.
        let until = Instant::now().checked_add(timeout).unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600));
        self.changed.wait_while_until(&mut marks, idle, until);
        marks.wakes != seen.wakes
    }
}
