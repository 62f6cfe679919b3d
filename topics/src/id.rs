use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::Millis;

/// Names one log, for ever: made when the log is, carried by `log.opened`.
pub type LogId = Uuid;

/// What identifies a record, made before it is appended; time-ordered (UUID version 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

impl EventId {
    /// Makes an id from a time, of which the lower 48 bits count, and ten random bytes.
    pub fn new(time: Millis, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(time, &random).into_uuid())
    }

    /// Takes an id as [`Self::as_bytes`] gave it.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes, in an order that is the order of the ids.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
