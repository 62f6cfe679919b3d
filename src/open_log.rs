//! Which log a configuration means, and how it is opened: the one place that makes a log for a server.

use std::sync::Arc;

use crate::cloud_events::CLOUD_EVENTS;
use crate::config::{Config, Kafka, Provider};
use crate::data_dir::DataDir;
use crate::log::kafka::KafkaSettings;
use crate::log::{EmbeddedLog, KafkaLog, Log, LogError};

/// Opens the log for its owner. Blocks until a broker answers, at most half a minute, if the log is on Kafka.
///
/// # Errors
/// [`LogError::Open`]; the text says what to do.
pub fn open_log(config: &Config, data: &DataDir) -> Result<Arc<dyn Log>, LogError> {
    match config.log.provider {
        Provider::Embedded => Ok(Arc::new(EmbeddedLog::open(&data.log(), config.log.partitions)?)),
        Provider::Kafka => {
            refuse_embedded(data)?;
            Ok(Arc::new(KafkaLog::open(kafka_settings(&config.kafka))?))
        }
    }
}

/// A log that stands in the data directory holds this app's messages: to start without it would be to lose them.
fn refuse_embedded(data: &DataDir) -> Result<(), LogError> {
    let path = data.log();
    if !path.exists() {
        return Ok(());
    }
    Err(LogError::Open(format!(
        "{} holds an embedded log, and log.provider is \"kafka\", which would start without its messages; take another \
         data.dir for the log on Kafka",
        path.display()
    )))
}

/// How the log on Kafka is reached, its records being CloudEvents.
pub fn kafka_settings(kafka: &Kafka) -> KafkaSettings {
    KafkaSettings {
        brokers: kafka.brokers.clone(),
        topic_prefix: kafka.topic_prefix.clone(),
        partitions: kafka.partitions,
        replication: kafka.replication,
        properties: kafka.properties.clone(),
        headers: CLOUD_EVENTS,
    }
}
