//! An app that moves onto Kafka.

use duolog_test_broker::Brokers;

use super::on;
use super::prefix;
use crate::migrate::users_notice_nothing;

#[test]
fn users_notice_nothing_of_a_move_onto_kafka() {
    let brokers = Brokers::shared();
    users_notice_nothing("log.partitions = 1", |dir| {
        let (addresses, prefix) = (brokers.addresses(), prefix(dir));
        let flags = ["--to-kafka", &addresses, "--to-topic-prefix", &prefix, "--partitions", "3"];
        (flags.map(str::to_owned).to_vec(), on(brokers, 3))
    });
}
