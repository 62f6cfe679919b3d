use std::cell::RefCell;

use duolog_test_broker::Brokers;

use super::{fresh, open};
use crate::log::conformance::{self, Provider};

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
