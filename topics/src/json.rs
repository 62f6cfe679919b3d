use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// JSON text, kept byte for byte as it was received.
///
/// Message bodies pass through duolog unchanged, unknown members included, so the log holds their text and not a
/// decoded form of it. A reader decodes it with any JSON library. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    with = "String",
    description = "JSON text, byte for byte as it was received: decode it once more.",
    extend("contentMediaType" = "application/json")
)]
pub struct RawJson(Arc<str>);

impl RawJson {
    /// Wraps text that the caller has already parsed as JSON.
    pub fn from_checked(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// If the value has no JSON form (a map with keys that are not strings).
    pub fn encode<T: Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self::from_checked)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Decodes the text.
    ///
    /// # Errors
    /// If the text is no JSON or does not fit `T`.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}
