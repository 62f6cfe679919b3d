//! Which log and which places a configuration means, and how the log is opened: the one place that makes them for a server.

use std::sync::Arc;

use rdkafka::error::KafkaError;

use crate::cloud_events::CLOUD_EVENTS;
use crate::config::{Config, ConfigError, Kafka, Provider, StoreUrl};
use crate::consumers::dead_letters;
use crate::data_dir::DataDir;
use crate::log::kafka::{KafkaSettings, Stream};
use crate::log::{EmbeddedLog, KafkaLog, Log, LogError};
use crate::store::checkpoint::{Place, S3Place};

/// The key of what is handed to librdkafka.
const PROPERTIES: &str = "log.kafka.properties";

/// The data directory, and where its checkpoints lie.
///
/// # Errors
/// If a file that the configuration names cannot be read.
pub fn data_dir(config: &Config) -> Result<DataDir, ConfigError> {
    Ok(DataDir::with_checkpoints(&config.data.dir, checkpoint_place(config)?))
}

/// Where checkpoints lie, and how that place is reached.
///
/// # Errors
/// If the file with the access key cannot be read.
pub fn checkpoint_place(config: &Config) -> Result<Place, ConfigError> {
    let checkpoint = &config.checkpoint;
    Ok(match &checkpoint.url {
        StoreUrl::Folder(folder) => Place::Folder(folder.clone()),
        StoreUrl::S3 { bucket, prefix } => Place::S3(S3Place {
            bucket: bucket.clone(),
            prefix: prefix.clone(),
            endpoint: checkpoint.endpoint.as_ref().map(ToString::to_string),
            region: Some(checkpoint.region.clone()).filter(|region| !region.is_empty()),
            access_key: config
                .checkpoint_access_key()?
                .map(|(id, key)| (id, String::from_utf8_lossy(key.reveal()).into_owned())),
            allow_http: checkpoint.allow_http,
            virtual_hosted: checkpoint.virtual_hosted,
        }),
    })
}

/// Opens the log for its owner. Blocks until a broker answers, at most half a minute, if the log is on Kafka.
///
/// # Errors
/// [`LogError::Open`]; the text says what to do.
pub fn open_log(config: &Config, data: &DataDir) -> Result<Arc<dyn Log>, LogError> {
    match config.log.provider {
        Provider::Embedded => {
            refuse_lost(data)?;
            Ok(Arc::new(EmbeddedLog::open(&data.log(), config.log.partitions)?))
        }
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
        Self::beside((config.log.provider == Provider::Kafka).then(|| kafka_settings(&config.kafka)), data)
    }

    /// Beside a log that is reached in this way, or else the embedded one.
    pub fn beside(kafka: Option<KafkaSettings>, data: &DataDir) -> Self {
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

/// A log is made where there is none; but not where something was folded from one that is gone.
fn refuse_lost(data: &DataDir) -> Result<(), LogError> {
    let (log, state) = (data.log(), data.state(0));
    if log.join("CURRENT").exists() || !state.exists() {
        return Ok(());
    }
    Err(LogError::Open(format!(
        "the log {} is missing, and {} was folded from it; put the log back, or take another data.dir to begin with nothing",
        log.display(),
        state.display()
    )))
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

/// Refuses properties for librdkafka that break the log's promise, or that it does not know. Asks no broker.
///
/// # Errors
/// The text names the property.
pub fn refuse_properties(config: &Config) -> Result<(), ConfigError> {
    let checked = check_properties(&kafka_settings(&config.kafka));
    checked.map_err(|what| config.error(PROPERTIES, what))
}

/// What is wrong with the properties of a log on Kafka, wherever they come from. Asks no broker.
///
/// # Errors
/// The text names the property.
pub fn check_properties(settings: &KafkaSettings) -> Result<(), String> {
    let client = settings.client().map_err(|error| match error {
        LogError::Open(why) => why.trim_start_matches(PROPERTIES).trim_start().to_owned(),
        error => error.to_string(),
    })?;
    match client.create_native_config() {
        Ok(_) => Ok(()),
        // Without the value: it may be a secret under a name that is mistyped.
        Err(KafkaError::ClientConfig(_, what, ..)) => Err(what),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[test]
    fn a_property_that_is_forbidden_or_unknown_is_named_with_its_key() {
        let check = |properties: &str| {
            let environment = vec![("DUOLOG_LOG__KAFKA__PROPERTIES".to_owned(), format!("{{ {properties} }}"))];
            refuse_properties(&Config::load(&Layers { environment, ..Layers::default() }).unwrap())
        };
        assert_eq!(check("'linger.ms' = 2"), Ok(()));
        for (properties, expected) in [("acks = 1", ": sets acks, on which"), ("'no.such' = 'hush'", "\"no.such\"")] {
            let said = check(properties).unwrap_err().to_string();
            assert!(said.starts_with("DUOLOG_LOG__KAFKA__PROPERTIES: log.kafka.properties: "), "{said}");
            assert!(said.contains(expected) && !said.contains("hush"), "{said}");
        }
    }
}
