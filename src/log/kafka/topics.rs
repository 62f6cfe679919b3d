//! The topics of a log: made where they are missing, checked where they are there.

use std::time::{Duration, Instant};

use rdkafka::admin::{ConfigResource, NewTopic, TopicReplication};

use super::admin::{Admin, Topic};
use super::settings::{KafkaSettings, Stream};
use crate::log::LogError;

/// How long the brokers have to answer at start, and a new topic to appear.
const PATIENCE: Duration = Duration::from_secs(30);
/// The smallest `max.message.bytes` with which every record of ours fits into a message.
const LEAST_MESSAGE_BYTES: usize = 512 << 10;
/// With what a topic is made whose records go only when its owner says so.
const KEPT: &[(&str, &str)] = &[("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1")];

/// A topic that holds a stream, as it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub partitions: u32,
    pub message_bytes: usize,
}

/// Makes the topics that are missing and checks that the one of a stream keeps what it must keep.
///
/// # Errors
/// [`LogError::Open`] with what to do.
pub(super) fn settle(admin: &Admin, settings: &KafkaSettings, stream: Stream) -> Result<Found, LogError> {
    ensure(admin, settings, &settings.events(), settings.partitions, KEPT)?;
    ensure(admin, settings, &settings.dead_letters(), 1, KEPT)?;
    ensure(admin, settings, &settings.owners(), 1, &[("cleanup.policy", "compact")])?;
    check(admin, settings, stream)
}

/// Checks the topic of a stream, and makes nothing.
///
/// # Errors
/// [`LogError::Open`] with what to do.
pub(super) fn check(admin: &Admin, settings: &KafkaSettings, stream: Stream) -> Result<Found, LogError> {
    let name = settings.topic(stream);
    let found = find(admin, settings, &name)?;
    let topic = found.ok_or_else(|| LogError::Open(format!("{} has no topic {name}", settings.brokers)))?;
    let config = admin.settings(&name).map_err(|error| {
        LogError::Open(format!(
            "the settings of topic {name} cannot be read (the account needs DescribeConfigs): {error}"
        ))
    })?;
    match stream {
        Stream::Events => {
            keeps(&name, &config, KEPT)?;
            warn_of_weakness(&name, &topic, &config);
        }
        // Compaction would leave holes; how long letters are kept is the operator's to say, here or with the server.
        Stream::DeadLetters => keeps(&name, &config, &KEPT[..1])?,
    }
    Ok(Found { partitions: topic.partitions, message_bytes: message_bytes(&name, &config)? })
}

fn ensure(
    admin: &Admin,
    settings: &KafkaSettings,
    name: &str,
    partitions: u32,
    config: &[(&str, &str)],
) -> Result<(), LogError> {
    if find(admin, settings, name)?.is_some() {
        return Ok(());
    }
    let mut topic =
        NewTopic::new(name, partitions.cast_signed(), TopicReplication::Fixed(settings.replication.cast_signed()));
    for (key, value) in config {
        topic = topic.set(key, value);
    }
    let least = settings.replication.saturating_sub(1).max(1).to_string();
    topic = topic.set("min.insync.replicas", &least);
    admin.create(&topic).map_err(|error| LogError::Open(format!("topic {name} cannot be made: {error}")))?;
    tracing::info!(partitions, replication = settings.replication, "topic {name} is made");
    let until = Instant::now() + PATIENCE;
    while find(admin, settings, name)?.is_none() {
        if Instant::now() > until {
            return Err(LogError::Open(format!("topic {name} was made, but the brokers do not show it")));
        }
        // Every broker learns of it by itself; there is nothing to wait on.
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn find(admin: &Admin, settings: &KafkaSettings, name: &str) -> Result<Option<Topic>, LogError> {
    admin.topic(name, PATIENCE).map_err(|error| {
        LogError::Open(format!("no broker at {} (log.kafka.brokers) tells of topic {name}: {error}", settings.brokers))
    })
}

fn value<'c>(config: &'c ConfigResource, name: &str) -> &'c str {
    config.get(name).and_then(|entry| entry.value.as_deref()).unwrap_or_default()
}

/// Refuses a topic from which Kafka would delete records by itself: the log's owner says what may go.
fn keeps(topic: &str, config: &ConfigResource, settings: &[(&str, &str)]) -> Result<(), LogError> {
    for (name, wanted) in settings {
        let found = value(config, name);
        if found != *wanted {
            return Err(LogError::Open(format!(
                "topic {topic} has {name}={found}, with which Kafka deletes records that are still needed. Set it: \
                 kafka-configs.sh --bootstrap-server BROKER --alter --topic {topic} --add-config {name}={wanted}"
            )));
        }
    }
    Ok(())
}

fn message_bytes(topic: &str, config: &ConfigResource) -> Result<usize, LogError> {
    let found = value(config, "max.message.bytes").parse().unwrap_or(0);
    if found < LEAST_MESSAGE_BYTES {
        return Err(LogError::Open(format!(
            "topic {topic} has max.message.bytes={found}, less than a record may have. Set it: kafka-configs.sh \
             --bootstrap-server BROKER --alter --topic {topic} --add-config max.message.bytes={LEAST_MESSAGE_BYTES}"
        )));
    }
    Ok(found)
}

/// One line about what makes an acked record less than safe from the loss of a broker.
fn warn_of_weakness(name: &str, topic: &Topic, config: &ConfigResource) {
    let least: u32 = value(config, "min.insync.replicas").parse().unwrap_or(1);
    let unclean = value(config, "unclean.leader.election.enable") == "true";
    if topic.replicas < 3 || least < 2 || unclean {
        tracing::warn!(
            replicas = topic.replicas,
            min_insync_replicas = least,
            unclean_leader_election = unclean,
            "topic {name} can lose acked messages with a broker: it should have 3 replicas, min.insync.replicas=2 and no \
             unclean leader election"
        );
    }
}
