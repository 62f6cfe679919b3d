use std::cell::RefCell;
use std::time::Duration;

use duolog_test_broker::Brokers;

use super::{fresh, open};
use crate::log::conformance::{self, Provider};
use crate::log::{Bounds, KafkaLog, Log, LogError, ReadLimit, Record, Stored};

#[test]
fn it_keeps_the_promise() {
    let settings = RefCell::new(fresh(Brokers::shared(), 1));
    let make = |partitions| {
        settings.replace(fresh(Brokers::shared(), partitions));
        Box::new(open(&settings.borrow())) as _
    };
    let reopen = |log| {
        drop(log);
        Box::new(open(&settings.borrow())) as _
    };
    conformance::suite(&Provider::durable(make, reopen));
}

/// A log that is appended to in one place and read in another, so that every record is fetched.
struct Apart {
    writer: KafkaLog,
    reader: KafkaLog,
}

impl Log for Apart {
    fn partitions(&self) -> u32 {
        self.reader.partitions()
    }

    fn append(&self, partition: u32, batch: Vec<Record>) -> Result<Vec<u64>, LogError> {
        self.writer.append(partition, batch)
    }

    fn read(&self, partition: u32, from: u64, limit: ReadLimit) -> Result<Vec<Stored>, LogError> {
        // The reader hears of what is there by asking, or by waiting for it.
        self.reader.bounds(partition)?;
        self.reader.read(partition, from, limit)
    }

    fn wait(&self, partition: u32, from: u64, timeout: Duration) -> Result<u64, LogError> {
        self.reader.wait(partition, from, timeout)
    }

    fn wake(&self, partition: u32) {
        self.reader.wake(partition);
    }

    fn trim(&self, partition: u32, below: u64) -> Result<(), LogError> {
        self.writer.trim(partition, below)
    }

    fn bounds(&self, partition: u32) -> Result<Bounds, LogError> {
        self.reader.bounds(partition)
    }
}

#[test]
fn it_keeps_the_promise_to_a_reader_elsewhere() {
    let make = |partitions| {
        let settings = fresh(Brokers::shared(), partitions);
        Box::new(Apart { writer: open(&settings), reader: open(&settings) }) as _
    };
    conformance::suite(&Provider::volatile(make));
}
