use duolog::clock::Clock;
use duolog::cloud_events::CLOUD_EVENTS;
use duolog::data_dir::{DataDir, OpenData};
use duolog::engine::{Engine, Parts};
use duolog::log::KafkaLog;
use duolog::log::kafka::KafkaSettings;
use duolog::records::{Hour, UtcOffset};
use duolog_test_broker::Brokers;
use duolog_test_messages::{import, message};
use duolog_topics::{Account, PolicyChanged};
use serde_json::json;

use super::Shared;
use crate::harness::{Server, now};

const PARTITIONS: u32 = 4;

/// A log that was used at a time, and not since: everybody said something to the next one.
async fn used(shared: &Shared<'_>, time: u64, names: &[Account]) {
    let dir = tempfile::tempdir().unwrap();
    let settings = KafkaSettings {
        brokers: shared.brokers.addresses(),
        topic_prefix: shared.prefix.clone(),
        partitions: PARTITIONS,
        replication: 1,
        properties: Default::default(),
        headers: CLOUD_EVENTS,
    };
    let (data, clock) = (DataDir::new(dir.path().join("data"), None), Clock::manual(time * 1000));
    let open = move || {
        let OpenData { log, stores, expiry, lock } =
            data.open_with(|| Ok(std::sync::Arc::new(KafkaLog::open(settings)?))).unwrap();
        let policy = PolicyChanged { revision: 1, ..PolicyChanged::default() };
        let parts = Parts { log, stores, expiry, policy, node: "before".to_owned(), clock: Some(clock), aside: None };
        (Engine::open(parts, |_, _, _| {}).unwrap(), lock)
    };
    let (engine, _lock) = tokio::task::spawn_blocking(open).await.unwrap();
    for name in names {
        engine.submit(name, import().into()).await.unwrap();
    }
    for (from, to) in names.iter().zip(names.iter().cycle().skip(1)) {
        engine.submit(from, message(&[to.as_str()], &format!("from {from}"), 7).into()).await.unwrap();
    }
    tokio::task::spawn_blocking(move || engine.stop()).await.unwrap();
}

/// What a node says of an hour's file, once it has one: its size and hash.
fn file(node: &Server, hour: Hour) -> (u64, String) {
    let request = json!({"ChatType": "C2C", "MsgTime": hour.to_string()});
    let began = std::time::Instant::now();
    loop {
        let reply = node.call("open_msg_svc/get_history", &request);
        if reply["ErrorCode"] == 0 {
            let file = &reply["File"][0];
            return (file["FileSize"].as_u64().expect("a size"), file["FileMD5"].as_str().expect("a hash").to_owned());
        }
        assert_eq!(reply["ErrorCode"], 1004, "{reply}");
        assert!(began.elapsed() < super::LONGEST, "there is no file of {hour}");
    }
}

/// Each node has the whole file, with the messages of partitions that another one owns, and it is the same.
#[tokio::test(flavor = "multi_thread")]
async fn every_node_has_the_same_record_files() {
    let shared = Shared::on(Brokers::shared(), PARTITIONS, "policy.revision = 1");
    let names: Vec<Account> = (0..8).map(|number| Account::new(format!("r{number}")).unwrap()).collect();
    let then = now() - 2 * 3_600;
    used(&shared, then, &names).await;
    let hour = Hour::of(then * 1000, UtcOffset::UTC);
    let settings = shared.settings.clone();
    let files = tokio::task::spawn_blocking(move || {
        let nodes = [Server::start(&settings), Server::start(&settings)];
        nodes.each_ref().map(|node| file(node, hour))
    });
    let [one, other] = files.await.unwrap();
    assert_eq!(one, other);
}
