use thiserror::Error;

/// An account name that no log may hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccountError {
    #[error("account name is empty")]
    Empty,
    #[error("account name has {0} bytes, more than 32")]
    TooLong(usize),
    #[error("account name has byte 0x{0:02x}, which is not printable ASCII")]
    Unprintable(u8),
}

/// A record that cannot be read as an event.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("record key is no account: {0}")]
    Key(#[from] AccountError),
    #[error("record header cannot be decoded: {0}")]
    Header(&'static str),
    /// The fold stops here; readers outside may skip.
    #[error("event kind {0:?} is unknown")]
    UnknownKind(String),
    /// The fold stops here; readers outside may skip.
    #[error("event {kind} has version {version}, this program knows up to {known}")]
    NewerVersion { kind: &'static str, version: u16, known: u16 },
    #[error("payload of {kind} cannot be decoded: {source}")]
    Payload { kind: &'static str, source: rmp_serde::decode::Error },
}
