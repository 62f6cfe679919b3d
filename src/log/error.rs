use thiserror::Error;

/// What a log can answer other than success.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// Nothing was written; try again later.
    #[error("log is busy: {0}")]
    Busy(&'static str),
    /// The batch may or may not have been written: find out by reading.
    #[error("append may have been written: {0}")]
    Unknown(String),
    /// A sync failed. Nothing is appended until the log is opened again.
    #[error("log refuses appends since a sync failed: {0}")]
    Poisoned(String),
    #[error("partition {partition} begins at offset {first}, offset {wanted} was trimmed")]
    Trimmed { partition: u32, wanted: u64, first: u64 },
    #[error("log is damaged at partition {partition}, offset {offset}: {what}")]
    Damaged { partition: u32, offset: u64, what: String },
    /// Nothing was written, and never will be: the batch has to be smaller.
    #[error("batch of {size} bytes is larger than {limit}")]
    TooLarge { size: usize, limit: usize },
    #[error("log has no partition {0}")]
    NoPartition(u32),
    #[error("log cannot be opened: {0}")]
    Open(String),
    /// The number of partitions cannot be changed, only moved to a new log.
    #[error("the log was made with {made} partitions, which cannot be changed to {wanted}, only moved to a new log")]
    Partitions { made: u32, wanted: u32 },
    /// The log cannot be read now; nothing is known to be wrong with it. Try again later.
    #[error("log does not answer: {0}")]
    Unreachable(String),
    #[error("log failed: {0}")]
    Failed(String),
}

impl LogError {
    /// Whether the same append may be tried again without a danger of writing it twice.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}
