use duolog_test_broker::Brokers;
use rdkafka::admin::{AdminClient, NewTopic, TopicReplication};

use super::{fresh, open};
use crate::log::kafka::admin::Admin;
use crate::log::kafka::context::Context;
use crate::log::kafka::{KafkaLog, KafkaSettings, Stream};
use crate::log::{Log, LogError};

/// Makes a topic as somebody else would.
fn make(settings: &KafkaSettings, name: &str, config: &[(&str, &str)]) {
    let mut topic = NewTopic::new(name, 2, TopicReplication::Fixed(1));
    for (key, value) in config {
        topic = topic.set(key, value);
    }
    Admin::new(settings).unwrap().create(&topic).unwrap();
}

fn refusal(settings: &KafkaSettings) -> String {
    match KafkaLog::open(settings.clone()) {
        Err(LogError::Open(why)) => why,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[test]
fn missing_topics_are_made_so_that_nothing_goes_by_itself() {
    let settings = fresh(Brokers::shared(), 3);
    assert_eq!(open(&settings).partitions(), 3);
    let admin = Admin::new(&settings).unwrap();
    for (topic, name, value) in [
        (settings.events(), "retention.ms", "-1"),
        (settings.events(), "cleanup.policy", "delete"),
        (settings.dead_letters(), "retention.ms", "-1"),
        (settings.owners(), "cleanup.policy", "compact"),
    ] {
        let config = admin.settings(&topic).unwrap();
        assert_eq!(config.get(name).and_then(|entry| entry.value.as_deref()), Some(value), "{topic} {name}");
    }
}

#[test]
fn a_topic_that_is_there_keeps_its_partitions() {
    let settings = fresh(Brokers::shared(), 2);
    drop(open(&settings));
    assert_eq!(open(&KafkaSettings { partitions: 7, ..settings }).partitions(), 2);
}

#[test]
fn a_topic_that_would_lose_records_is_refused() {
    let whole = [("retention.ms", "-1"), ("retention.bytes", "-1"), ("cleanup.policy", "delete")];
    for (name, wrong) in [
        ("retention.ms", "604800000"),
        ("retention.bytes", "1000000000"),
        ("cleanup.policy", "compact"),
        ("cleanup.policy", "compact,delete"),
    ] {
        let settings = fresh(Brokers::shared(), 1);
        let mut config = whole.to_vec();
        config.retain(|(other, _)| *other != name);
        config.push((name, wrong));
        make(&settings, &settings.events(), &config);
        let why = refusal(&settings);
        assert!(why.contains(&format!("{name}={wrong}")) && why.contains("kafka-configs.sh"), "{why}");
    }
}

#[test]
fn properties_reach_librdkafka_but_for_those_that_the_promise_hangs_on() {
    let with = |name: &str, value: &str| KafkaSettings {
        properties: [(name.to_owned(), value.to_owned())].into(),
        ..fresh(Brokers::shared(), 1)
    };
    assert!(refusal(&with("acks", "1")).contains("sets acks"));
    assert!(refusal(&with("auto.offset.reset", "latest")).contains("auto.offset.reset"));
    assert!(refusal(&with("no.such.property", "1")).contains("no.such.property"));
    assert_eq!(open(&with("linger.ms", "3")).partitions(), 1);
}

#[test]
fn reading_alone_makes_no_topic() {
    let settings = fresh(Brokers::shared(), 1);
    let Err(LogError::Open(why)) = KafkaLog::open_read_only(settings.clone(), Stream::Events) else {
        panic!("there is no log")
    };
    assert!(why.contains("no topic"), "{why}");
    let client: AdminClient<Context> = settings.client().unwrap().create_with_context(Context).unwrap();
    let topics = client.inner().fetch_metadata(None, std::time::Duration::from_secs(30)).unwrap();
    assert!(topics.topics().iter().all(|topic| topic.name() != settings.events()));
    drop(open(&settings));
    let log = KafkaLog::open_read_only(settings, Stream::Events).unwrap();
    assert!(matches!(log.append(0, vec![]), Err(LogError::Failed(_))), "it only reads");
}
