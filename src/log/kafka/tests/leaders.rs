//! Against the brokers that librdkafka has for tests: they answer with the errors that they are told.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::settings;
use crate::log::kafka::reader::Reader;
use crate::log::kafka::{REST, Stream};

const PATIENCE: Duration = Duration::from_secs(60);

/// Between the death of a partition's leader and the next one, a broker answers that it is not the leader.
#[test]
fn a_partition_without_a_leader_is_asked_again() {
    let brokers = MockCluster::new(1).unwrap();
    let settings = settings(brokers.bootstrap_servers(), "leaders.".to_owned(), 1);
    brokers.create_topic(&settings.topic(Stream::Events), 1, 1).unwrap();
    let reader = Reader::new(&settings, Stream::Events).unwrap();
    assert_eq!(reader.watermarks(0, PATIENCE).unwrap(), (0, 0));

    let not_leader = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    brokers.request_errors(RDKafkaApiKey::ListOffsets, &[not_leader; 5]);
    assert!(reader.watermarks(0, REST).is_err(), "whoever has no time to wait is told");
    assert_eq!(reader.watermarks(0, PATIENCE).unwrap(), (0, 0));
}
