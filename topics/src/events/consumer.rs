use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerAdvance {
    pub consumer: String,
    /// The next offset to deliver; absent: the consumer is off and holds back nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsumersAdvanced {
    pub consumers: Vec<ConsumerAdvance>,
}
