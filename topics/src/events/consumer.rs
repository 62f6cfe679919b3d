use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far one consumer has come in this partition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerAdvance {
    /// Which consumer.
    pub consumer: String,
    /// The next offset to deliver; absent: the consumer is off and holds back nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

/// How far consumers of the log have come, written after deliveries and dead letters, and rarely otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsumersAdvanced {
    /// Each consumer once.
    pub consumers: Vec<ConsumerAdvance>,
}
