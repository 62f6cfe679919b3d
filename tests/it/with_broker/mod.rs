//! The server with its log on a real Apache Kafka. `make test-quick` leaves out what has this module's name in its path.

mod checkpoints;
mod faults;
mod migrate;
mod readers;
mod same;

use duolog_test_broker::Brokers;

/// The lines of the configuration that put a server's log on these brokers.
fn on(brokers: &Brokers, partitions: u32) -> String {
    let addresses = brokers.addresses();
    format!("log.provider = 'kafka'\nlog.kafka.brokers = '{addresses}'\nlog.kafka.partitions = {partitions}\n")
}
