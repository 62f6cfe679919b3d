use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use duolog::cloud_events::CLOUD_EVENTS;
use duolog::config::{Config, ConfigError, Layers, Provider};
use duolog::consumers::DeadLetters;
use duolog::data_dir::DataDir;
use duolog::log::embedded::ReadOnlyLog;
use duolog::log::kafka::{KafkaSettings, Stream};
use duolog::log::{EmbeddedLog, KafkaLog, Log};
use duolog::open_log::{DeadLettersPlace, check_properties, data_dir, kafka_settings, refuse_properties};
use duolog::rebuild::Watch;
use duolog::store::{Store, View};
use indicatif::{ProgressBar, ProgressStyle};

/// Where the data is.
#[derive(Args)]
pub struct Data {
    /// The server's data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The server's configuration, if more than the directory is not as by default: where log and checkpoints are, and
    /// how they are reached
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the checkpoints lie, if not in the data directory: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL|DIR", visible_alias = "url")]
    checkpoints: Option<String>,
    /// Read the log on Kafka, from these brokers; state and checkpoints are still those of the data directory
    #[arg(long, value_name = "BROKERS")]
    kafka: Option<String>,
    /// What the names of the topics begin with
    #[arg(long, value_name = "PREFIX", default_value = "duolog.", requires = "kafka")]
    topic_prefix: String,
    /// A property for librdkafka (TLS, SASL, ...); may be given several times
    #[arg(long = "kafka-property", value_name = "NAME=VALUE", requires = "kafka", value_parser = property)]
    properties: Vec<(String, String)>,
}

/// A flag that sets a key of the configuration: the flag, the key's path, the text.
pub type Flag = (&'static str, &'static str, String);

/// What is wrong with a flag: the program ends with 2, as it does for a wrong configuration.
pub fn wrong(flag: &str, what: impl Into<String>) -> anyhow::Error {
    ConfigError::new(flag, "", what).into()
}

pub fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Data {
    /// The server's configuration, with the flags over it.
    pub fn config(&self) -> Result<Config> {
        let data = self.data.as_ref().map(|dir| ("--data", "data.dir", dir.display().to_string()));
        let checkpoints = self.checkpoints.as_ref().map(|place| ("--checkpoints", "checkpoint.url", url_of(place)));
        self.config_with(data.into_iter().chain(checkpoints).collect())
    }

    /// The same with other flags over it.
    pub fn config_with(&self, flags: Vec<Flag>) -> Result<Config> {
        let layers = Layers { file: self.config.clone(), environment: std::env::vars().collect(), flags };
        Ok(Config::load(&layers)?)
    }

    pub fn dir(&self) -> Result<DataDir> {
        Ok(data_dir(&self.config()?)?)
    }

    /// The partitions whose state is here. Where several nodes share a log on Kafka, others have the rest.
    pub fn partitions(&self, log: &dyn Log) -> Result<Vec<u32>> {
        let (dir, shared) = (self.dir()?, self.kafka()?.is_some());
        let is_here = |partition: &u32| !shared || dir.state(*partition).exists();
        let here: Vec<u32> = (0..log.partitions()).filter(is_here).collect();
        ensure!(!here.is_empty(), "there is no state in {}", dir.root().display());
        Ok(here)
    }

    /// What a server has flushed of a partition's state; it has to be here.
    pub fn flushed(&self, partition: u32) -> Result<View> {
        let path = self.dir()?.state(partition);
        if !path.join("CURRENT").exists() {
            bail!(
                "there is no state in {}; a start of the server puts it there, and so does `duolog-replay rebuild`",
                path.display()
            );
        }
        Store::open_read_only(&path).with_context(|| format!("the state in {} cannot be read", path.display()))
    }

    /// The log, for reading: also beside a running server.
    pub fn log(&self) -> Result<Arc<dyn Log>> {
        if let Some(settings) = self.kafka()? {
            return Ok(Arc::new(KafkaLog::open_read_only(settings, Stream::Events)?));
        }
        let path = self.dir()?.log();
        let log = ReadOnlyLog::open(&path).with_context(|| format!("the log in {} cannot be read", path.display()))?;
        Ok(Arc::new(log))
    }

    /// What consumers gave up, for reading; none if there is no such stream.
    pub fn dead_letters(&self) -> Result<Option<Arc<dyn Log>>> {
        if let Some(settings) = self.kafka()? {
            return Ok(Some(Arc::new(KafkaLog::open_read_only(settings, Stream::DeadLetters)?)));
        }
        let path = self.dir()?.dead_letters();
        if !path.exists() {
            return Ok(None);
        }
        let log = ReadOnlyLog::open(&path);
        Ok(Some(Arc::new(log.with_context(|| format!("the dead letters in {} cannot be read", path.display()))?)))
    }

    /// Where an owner of the log puts aside what nobody can decode.
    pub fn owned_dead_letters(&self) -> Result<DeadLetters> {
        Ok(DeadLetters::new(DeadLettersPlace::beside(self.kafka()?, &self.dir()?)))
    }

    /// The log, for its owner; it has to be there.
    pub fn owned_log(&self) -> Result<Arc<dyn Log>> {
        // Opening would make one.
        let partitions = self.log()?.partitions();
        Ok(match self.kafka()? {
            Some(settings) => Arc::new(KafkaLog::open(settings)?),
            None => Arc::new(EmbeddedLog::open(&self.dir()?.log(), partitions)?),
        })
    }

    /// How the log is reached, if it is on Kafka: by the flags, or by the configuration that was named.
    fn kafka(&self) -> Result<Option<KafkaSettings>> {
        if let Some(brokers) = &self.kafka {
            // Nothing is made: the topic is there.
            let settings = kafka_at(brokers, &self.topic_prefix, 1, &self.properties);
            check_properties(&settings).map_err(|what| wrong("--kafka-property", what))?;
            return Ok(Some(settings));
        }
        let config = self.config()?;
        if self.config.is_none() || config.log.provider != Provider::Kafka {
            return Ok(None);
        }
        refuse_properties(&config)?;
        Ok(Some(kafka_settings(&config.kafka)))
    }
}

/// A place as `checkpoint.url` takes it: other texts than URLs are folders.
pub fn url_of(place: &str) -> String {
    let is_url = place.contains("://") || place.starts_with("file:") || place.starts_with("s3:");
    if is_url { place.to_owned() } else { format!("file:{place}") }
}

/// A log on Kafka; `partitions` if it has to be made.
pub fn kafka_at(brokers: &str, prefix: &str, partitions: u32, properties: &[(String, String)]) -> KafkaSettings {
    KafkaSettings {
        brokers: brokers.to_owned(),
        topic_prefix: prefix.to_owned(),
        partitions,
        replication: 1,
        properties: properties.iter().cloned().collect(),
        headers: CLOUD_EVENTS,
    }
}

/// Shows on a terminal how far something that takes long has come.
pub struct Progress {
    bar: ProgressBar,
    from: u64,
}

impl Progress {
    /// A fold, from an offset to an offset.
    pub fn new(what: &'static str, from: u64, end: u64) -> Self {
        let template = "{msg} {bar:40} {human_pos}/{human_len} records {per_sec} {eta}";
        Self::with(what, from, end, template)
    }

    /// Bytes that go from here to there.
    pub fn bytes(what: &'static str) -> Self {
        Self::with(what, 0, 0, "{msg} {bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
    }

    /// Rows, nobody knows how many.
    pub fn rows(what: &'static str) -> Self {
        Self::with(what, 0, 0, "{msg} {human_pos} rows {per_sec}")
    }

    fn with(what: &'static str, from: u64, end: u64, template: &str) -> Self {
        let bar = ProgressBar::new(end.saturating_sub(from)).with_message(what);
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: bar.with_style(style), from }
    }

    pub fn more(&self, done: u64) {
        self.bar.inc(done);
    }

    /// So much of so much is done.
    pub fn at(&self, done: u64, all: u64) {
        self.bar.set_length(all);
        self.bar.set_position(done);
    }
}

impl Watch for Progress {
    fn committed(&mut self, _partition: u32, next: u64, _end: u64) {
        self.bar.set_position(next - self.from);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
