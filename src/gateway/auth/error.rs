use thiserror::Error;

use crate::error::Code;

/// Why a signature is refused.
#[derive(Debug, Error)]
pub enum SigError {
    /// There is none.
    #[error("signature is empty")]
    Empty,
    /// The text cannot be undone into bytes: often a token that was cut off on its way.
    #[error("signature is malformed: {0}")]
    Encoding(&'static str),
    /// The bytes inside are no signature document.
    #[error("signature document cannot be read: {0}")]
    Document(#[from] serde_json::Error),
    /// The document has a member that is wrong.
    #[error("signature document is wrong: {0}")]
    Content(&'static str),
    /// It is another app's.
    #[error("signature is of app {0}")]
    App(u64),
    /// It is another account's.
    #[error("signature is of account {0:?}")]
    Account(String),
    /// It was valid until this second.
    #[error("signature expired at {0}")]
    Expired(u64),
    /// It was not made with the app's key.
    #[error("signature does not fit the app's key")]
    Mismatch,
}

impl SigError {
    /// The public code that a caller gets.
    pub fn code(&self) -> Code {
        match self {
            Self::Empty => Code::USER_SIG_EMPTY,
            Self::Encoding(_) => Code::USER_SIG_ENCODING,
            Self::Document(_) | Self::Content(_) => Code::USER_SIG_CONTENT,
            Self::App(_) => Code::USER_SIG_APP,
            Self::Account(_) => Code::USER_SIG_ACCOUNT,
            Self::Expired(_) => Code::USER_SIG_EXPIRED,
            Self::Mismatch => Code::USER_SIG_MISMATCH,
        }
    }
}
