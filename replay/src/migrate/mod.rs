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

use anyhow::{Context as _, Result, bail};
use clap::Args;
use duolog::config::Config;
use duolog::consumers::records;
use duolog::dir_lock::lock_dir;
use duolog::domain::rows::DAY;
use duolog::records::{Folder, UtcOffset};

use self::split::New;
use self::target::Target;
use crate::data::{Data, property};
use crate::owner::Owner;

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
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1024))]
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
        let config = self.data.config_for(&self.to.dir, self.to.to_checkpoints.as_deref())?;
        if same_folder(&self.to.dir, self.data.dir()?.root()) {
            bail!("--to names the old data directory; the new log needs one of its own");
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
        eprintln!("moved: {compared} rows are in {}, equal to what they were", self.to.destination());
        eprintln!("start the server with data.dir = {:?}{}", self.to.dir, self.to.settings(&target));
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the files of the hours that have ended: their records do not come along.
fn write_record_files(owner: &Owner, config: &Config) -> Result<()> {
    let Ok(identity) = config.app_identity() else {
        eprintln!("no record files are written: the app's number is not known; --config FILE tells it");
        return Ok(());
    };
    let settings = records::Settings {
        sdkappid: identity.sdkappid,
        retention: u64::from(config.records.retention_days) * DAY,
        utc_offset: UtcOffset::minutes(config.records.utc_offset.minutes()),
    };
    let folder = Folder::new(&config.records.dir);
    let written = records::Writer::new(owner.engine.clone(), owner.log.clone(), folder, settings)?.round()?;
    eprintln!("{} record files are written", written.len());
    Ok(())
}

impl To {
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
