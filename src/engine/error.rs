use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::rows::RowsError;
use crate::error::Code;

/// Why a request got no verdict.
#[derive(Debug, Clone, Error, Serialize, Deserialize)]
pub enum EngineError {
    /// The queue is full: nothing was done.
    #[error("too many requests wait, try again")]
    Busy,
    /// The request may still take effect: try again with the same key.
    #[error("whether the request took effect is unknown, try again with the same key")]
    Unknown,
    /// The partition takes no more requests: the server drains, or its log or store has failed.
    #[error("the account's home has stopped")]
    Stopped,
    /// The before-send hook refused the message.
    #[error("{}", info.as_deref().unwrap_or(code.message()))]
    Hook { code: Code, info: Option<String> },
    /// The account's home is at another node, or on its way there: nothing was done.
    #[error("the account's home is not here, its last known epoch is {epoch}")]
    NotOwner { epoch: u64 },
    /// Another node did not answer as nodes of this version do.
    #[error("another node cannot be understood: {0}")]
    Peer(String),
    #[error(transparent)]
    Rows(#[from] RowsError),
}

impl EngineError {
    pub fn code(&self) -> Code {
        match self {
            Self::Busy | Self::Stopped | Self::NotOwner { .. } => Code::TOO_MANY_REQUESTS,
            Self::Unknown => Code::REQUEST_TIMEOUT,
            Self::Hook { code, .. } => *code,
            Self::Rows(_) | Self::Peer(_) => Code::INTERNAL_ERROR,
        }
    }
}
