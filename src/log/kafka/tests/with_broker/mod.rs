//! Tests against a real broker. `make test-quick` leaves out what has this module's name in its path.

mod faults;
mod promise;
mod topics;

use duolog_test_broker::Brokers;

use crate::log::kafka::{KafkaLog, KafkaSettings};

/// A log that is not there yet.
fn fresh(brokers: &Brokers, partitions: u32) -> KafkaSettings {
    super::settings(brokers.addresses(), Brokers::topic_prefix(), partitions)
}

fn open(settings: &KafkaSettings) -> KafkaLog {
    KafkaLog::open(settings.clone()).unwrap()
}
