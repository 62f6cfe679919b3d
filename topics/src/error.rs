use thiserror::Error;

/// An account name that no log may hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccountError {
    /// It has no byte.
    #[error("account name is empty")]
    Empty,
    /// It has this many bytes.
    #[error("account name has {0} bytes, more than 32")]
    TooLong(usize),
    /// It has this byte.
    #[error("account name has byte 0x{0:02x}, which is not printable ASCII")]
    Unprintable(u8),
}

/// A record that cannot be read as an event.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// Its key is not an account's name.
    #[error("record key is no account: {0}")]
    Key(#[from] AccountError),
    /// Its attributes are damaged, or it was written by something else.
    #[error("record header cannot be decoded: {0}")]
    Header(&'static str),
    /// Its attributes are in a form of a later program: this is the form's number. The fold stops here.
    #[error("record header has format {0}, this program knows 1")]
    NewerHeader(u8),
    /// The fold stops here; readers outside may skip.
    #[error("event kind {0:?} is unknown")]
    UnknownKind(String),
    /// The fold stops here; readers outside may skip.
    #[error("event {kind} has version {version}, this program knows up to {known}")]
    NewerVersion {
        /// The kind's name.
        kind: &'static str,
        /// The payload's version.
        version: u16,
        /// The newest version that this program knows.
        known: u16,
    },
    /// Its payload is damaged, or lacks a field.
    #[error("payload of {kind} cannot be decoded: {source}")]
    Payload {
        /// The kind's name.
        kind: &'static str,
        /// What MessagePack found.
        source: rmp_serde::decode::Error,
    },
}

impl DecodeError {
    /// Whether a later program may be able to decode the record. A fold stops at such a record and waits for that program;
    /// one that no version can decode it passes over, wherever and whenever it meets it.
    ///
    /// That is a rule for ever: a later program must not decode what an earlier one has passed over. So a field that is
    /// added is optional, and what is read differently has another version.
    pub fn may_be_newer(&self) -> bool {
        matches!(self, Self::NewerHeader(_) | Self::UnknownKind(_) | Self::NewerVersion { .. })
    }
}
