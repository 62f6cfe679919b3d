//! `migrate`: an app moves to another log: from the embedded one onto Kafka, or to another number of partitions.
//!
//! ```text
//! old log, old states                        new log, new states
//! ┌──────────────┐ 1 drain: the couriers     ┌──────────────────────────┐
//! │ 0 ░░░░░░░░░░ │   carry what waits,       │ 0 log.opened, generation │
//! │ 1 ░░░░░░     │   consumers are done      │ 1   + 1, and nothing     │
//! └──────────────┘                           │ 2   else                 │
//!   rows ──────── 2 split by account ──────► │ rows, at offset 1        │
//!                 3 compared, as readers     └──────────────────────────┘
//!                   see them                   4 a checkpoint of each, then the folders are put in place
//! 5 the old directory says where its app has gone
//! ```
//!
//! State moves, records do not: an account's rows are put, as they are, into its new home, and with them a copy of each
//! body that they point at, under the pointer that it always had. So keys, sequences, cursors and unread stay, and old
//! pointers are found, because a pointer names its generation. Nothing of the old side is changed but that its servers'
//! epoch ends; until step 5 it is what counts, and the whole can be done again, however it ended.

mod compare;
mod drain;
mod split;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::config::Config;
use duolog::consumers::records;
use duolog::dir_lock::lock_dir;
use duolog::domain::rows::DAY;
use duolog::log::kafka::KafkaSettings;
use duolog::open_log::check_properties;
use duolog::records::{Folder, UtcOffset};
use duolog::telemetry::say;

use self::split::New;
use self::target::Target;
use crate::data::{Data, Flag, kafka_at, property, url_of, wrong};
use crate::owner::Owner;
use crate::print::counted;

/// Move an app to another log, with its history: onto Kafka, or to another number of partitions; every server has to be
/// stopped
#[derive(Args)]
pub struct Migrate {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    to: To,
}

/// Where to.
#[derive(Args)]
pub struct To {
    /// The new data directory
    #[arg(long = "to", value_name = "DIR")]
    dir: PathBuf,
    /// Partitions of the new log; absent: as many as the old one has
    #[arg(long, value_name = "COUNT")]
    partitions: Option<u32>,
    /// The new log is on Kafka, at these brokers; its topic is made if it is not there, and has to be empty
    #[arg(long, value_name = "BROKERS")]
    to_kafka: Option<String>,
    /// What the names of the new topics begin with
    #[arg(long, value_name = "PREFIX", default_value = "duolog.", requires = "to_kafka")]
    to_topic_prefix: String,
    /// Replicas of the new topic, if it has to be made
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "to_kafka")]
    to_replication: u32,
    /// A property for librdkafka (TLS, SASL, ...); may be given several times
    #[arg(long = "to-kafka-property", value_name = "NAME=VALUE", requires = "to_kafka", value_parser = property)]
    to_properties: Vec<(String, String)>,
    /// Where the new checkpoints lie, if not in the new directory: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL|DIR")]
    to_checkpoints: Option<String>,
}

impl Migrate {
    pub fn run(self) -> Result<ExitCode> {
        let config = self.config()?;
        if same_folder(&self.to.dir, self.data.dir()?.root()) {
            return Err(wrong("--to", "it is the old data directory; the new log needs one of its own"));
        }
        let owner = Owner::take(&self.data)?;
        drain::drain(&owner)?;
        write_record_files(&owner, &self.data.config()?)?;
        let old = owner.leave();
        drain::refuse_different(&old.stores)?;

        let _lock = lock_dir(&self.to.dir)?;
        let target = Target::open(&self.to, &config, &old)?;
        let new = New::split(&old, &target)?;
        let compared = compare::compare(&old, &new)?;
        let dir = target.finish(new)?;
        target::copy_files(old.dir.root(), dir.root())?;
        old.dir.note_moved(&self.to.destination()).context("the old data directory cannot be marked")?;
        let (rows, there) = (counted(compared, "row", "rows"), self.to.destination());
        say(format_args!("moved: {rows}, now in {there}, equal to what they were"));
        say(format_args!("start the server with data.dir = {:?}{}", self.to.dir, self.to.settings(&target)));
        Ok(ExitCode::SUCCESS)
    }

    /// The new server's configuration, which says what the new log may be.
    fn config(&self) -> Result<Config> {
        let partitions = match self.to.partitions {
            Some(partitions) => partitions,
            None => self.data.log()?.partitions(),
        };
        if let Some(settings) = self.to.kafka(partitions) {
            check_properties(&settings).map_err(|what| wrong("--to-kafka-property", what))?;
        }
        self.data.config_with(self.to.flags(partitions))
    }
}

/// Writes the files of the hours that have ended: their records do not come along.
fn write_record_files(owner: &Owner, config: &Config) -> Result<()> {
    let Ok(identity) = config.app_identity() else {
        say("no record files are written: the app's number is not known; --config FILE tells it");
        return Ok(());
    };
    let settings = records::Settings {
        sdkappid: identity.sdkappid,
        retention: u64::from(config.records.retention_days) * DAY,
        utc_offset: UtcOffset::minutes(config.records.utc_offset.minutes()),
    };
    let folder = Folder::new(&config.records.dir);
    let written = records::Writer::new(owner.engine.clone(), owner.log.clone(), folder, settings)?.round()?;
    say(format_args!("{} written", counted(written.len() as u64, "record file", "record files")));
    Ok(())
}

impl To {
    /// What the new server's configuration has to say.
    fn flags(&self, partitions: u32) -> Vec<Flag> {
        let checkpoints = match &self.to_checkpoints {
            Some(place) => url_of(place),
            None => format!("file:{}", self.dir.join("checkpoints").display()),
        };
        let partitions_of = if self.to_kafka.is_some() { "log.kafka.partitions" } else { "log.partitions" };
        vec![
            ("--to", "data.dir", self.dir.display().to_string()),
            ("--to-checkpoints", "checkpoint.url", checkpoints),
            ("--partitions", partitions_of, partitions.to_string()),
            ("--to-replication", "log.kafka.replication", self.to_replication.to_string()),
        ]
    }

    /// The new log, if it is on Kafka.
    fn kafka(&self, partitions: u32) -> Option<KafkaSettings> {
        let brokers = self.to_kafka.as_ref()?;
        let settings = kafka_at(brokers, &self.to_topic_prefix, partitions, &self.to_properties);
        Some(KafkaSettings { replication: self.to_replication, ..settings })
    }

    /// In words.
    fn destination(&self) -> String {
        match &self.to_kafka {
            Some(brokers) => format!("{} and the topics {}* at {brokers}", self.dir.display(), self.to_topic_prefix),
            None => self.dir.display().to_string(),
        }
    }

    /// What else the new server's configuration has to say.
    fn settings(&self, target: &Target) -> String {
        match &self.to_kafka {
            Some(brokers) => format!(
                ", log.provider = \"kafka\", log.kafka.brokers = {brokers:?} and log.kafka.topic_prefix = {:?}",
                self.to_topic_prefix
            ),
            None => format!(" and log.partitions = {}", target.partitions()),
        }
    }
}

fn same_folder(one: &std::path::Path, other: &std::path::Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
