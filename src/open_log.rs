//! Which log a configuration means, and how it is opened: the one place that makes a log for a server.

use std::sync::Arc;

use crate::cloud_events::CLOUD_EVENTS;
use crate::config::{Config, Kafka, Provider};
use crate::consumers::dead_letters;
use crate::data_dir::DataDir;
use crate::log::kafka::{KafkaSettings, Stream};
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

/// Where the dead letters of a server go: beside its log, to the same provider.
pub struct DeadLettersPlace {
    /// None: the log is the embedded one.
    kafka: Option<KafkaSettings>,
    data: DataDir,
}

impl DeadLettersPlace {
    pub fn new(config: &Config, data: &DataDir) -> Self {
        let kafka = (config.log.provider == Provider::Kafka).then(|| kafka_settings(&config.kafka));
        Self { kafka, data: data.clone() }
    }
}

impl dead_letters::Place for DeadLettersPlace {
    fn is_there(&self) -> bool {
        self.kafka.is_some() || self.data.dead_letters().exists()
    }

    fn open(&self) -> Result<Arc<dyn Log>, LogError> {
        match &self.kafka {
            None => self.data.open_dead_letters(),
            Some(settings) => Ok(Arc::new(KafkaLog::open_stream(settings.clone(), Stream::DeadLetters)?)),
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
