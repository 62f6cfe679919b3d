use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RawJson;

/// How far one consumer has come in this partition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerAdvance {
    /// Which consumer.
    pub consumer: String,
    /// The next offset to deliver; absent: the consumer is off and holds back nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Offsets below the position whose deliveries are still tried, ascending: one that fails for hours does not make
    /// everything after it wait, or come twice after a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub waiting: Vec<u64>,
}

/// How far consumers of the log have come, written after deliveries and dead letters, and rarely otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsumersAdvanced {
    /// Each consumer once.
    pub consumers: Vec<ConsumerAdvance>,
}

/// A consumer of the log gave a delivery up. It stands in the topic of the dead letters, under the account of the record
/// that it comes from. The consumer `fold` is no consumer: no version of the program can decode that record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// Which consumer.
    pub consumer: String,
    /// The delivery's id, the same at every try.
    pub delivery: String,
    /// The generation of the log that holds the record.
    pub generation: u32,
    /// The record's partition.
    pub partition: u32,
    /// The record's offset.
    pub offset: u64,
    /// Why it was given up.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// What was to be delivered, in the consumer's own form: it can be delivered again without the record. Of the fold's
    /// letters, the record: `key`, `header` and `payload` in base64, and `time`.
    pub payload: RawJson,
}
