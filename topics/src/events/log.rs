use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LogId;

/// The first record of a partition: which log this is.
///
/// If two nodes open a new log at once, the first one of partition 0 counts and the others repeat its id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogOpened {
    /// Names the log, for ever.
    #[serde(with = "uuid::serde::hyphenated")]
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub log_id: LogId,
    /// Raised by every move to another log.
    pub generation: u32,
    /// How many partitions the log has; at least 1.
    pub partitions: u32,
    /// Of the records in this log: 1.
    pub format: u16,
}

/// The log was put back from a backup, so clients drop cursors that no longer mean the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogRestored {
    /// How often this log was put back, this time included.
    pub count: u32,
}

/// Who owns the partition from here on. It applies if its epoch is greater than the one before; then sessions of
/// earlier epochs have ended, and records of earlier epochs that follow are void.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OwnerChanged {
    /// The log that the owner believes to write.
    #[serde(with = "uuid::serde::hyphenated")]
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub log_id: LogId,
    /// The log's generation.
    pub generation: u32,
    /// The log's number of partitions.
    pub partitions: u32,
    /// The new epoch. Each start of a process is one.
    pub epoch: u64,
    /// The node's name.
    pub node: String,
}

/// Which version of the fold holds from here on. A reader that knows only earlier ones stops here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FoldVersion {
    /// Counts from 1.
    pub n: u32,
}

/// Time passes on an idle partition: at most one an hour.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tick {}
