use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use duolog::cloud_events::CLOUD_EVENTS;
use duolog::data_dir::DataDir;
use duolog::log::embedded::ReadOnlyLog;
use duolog::log::kafka::{KafkaSettings, Stream};
use duolog::log::{KafkaLog, Log};
use duolog::rebuild::Watch;
use indicatif::{ProgressBar, ProgressStyle};

/// Where the data is.
#[derive(Args)]
pub struct Data {
    /// The server's data directory
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// The folder of its checkpoints, if it is not in the data directory
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
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

fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Data {
    pub fn dir(&self) -> DataDir {
        DataDir::new(&self.data, self.checkpoints.as_deref())
    }

    /// The partitions whose state is here. Where several nodes share a log on Kafka, others have the rest.
    pub fn partitions(&self, log: &dyn Log) -> Result<Vec<u32>> {
        let dir = self.dir();
        let is_here = |partition: &u32| self.kafka.is_none() || dir.state(*partition).exists();
        let here: Vec<u32> = (0..log.partitions()).filter(is_here).collect();
        ensure!(!here.is_empty(), "there is no state in {}", dir.root().display());
        Ok(here)
    }

    /// The log, for reading: also beside a running server.
    pub fn log(&self) -> Result<Arc<dyn Log>> {
        if let Some(settings) = self.kafka() {
            return Ok(Arc::new(KafkaLog::open_read_only(settings, Stream::Events)?));
        }
        let path = self.dir().log();
        let log = ReadOnlyLog::open(&path).with_context(|| format!("the log in {} cannot be read", path.display()))?;
        Ok(Arc::new(log))
    }

    /// What consumers gave up, for reading; none if there is no such stream.
    pub fn dead_letters(&self) -> Result<Option<Arc<dyn Log>>> {
        if let Some(settings) = self.kafka() {
            return Ok(Some(Arc::new(KafkaLog::open_read_only(settings, Stream::DeadLetters)?)));
        }
        let path = self.dir().dead_letters();
        if !path.exists() {
            return Ok(None);
        }
        let log = ReadOnlyLog::open(&path);
        Ok(Some(Arc::new(log.with_context(|| format!("the dead letters in {} cannot be read", path.display()))?)))
    }

    fn kafka(&self) -> Option<KafkaSettings> {
        Some(KafkaSettings {
            brokers: self.kafka.clone()?,
            topic_prefix: self.topic_prefix.clone(),
            // Nothing is made by a reader.
            partitions: 1,
            replication: 1,
            properties: self.properties.iter().cloned().collect(),
            headers: CLOUD_EVENTS,
        })
    }
}

/// Shows on a terminal how far a fold has come.
pub struct Progress {
    bar: ProgressBar,
    from: u64,
}

impl Progress {
    pub fn new(what: &'static str, from: u64, end: u64) -> Self {
        let bar = ProgressBar::new(end.saturating_sub(from)).with_message(what);
        let template = "{msg} {bar:40} {human_pos}/{human_len} records {per_sec} {eta}";
        Self {
            bar: bar
                .with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())),
            from,
        }
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
