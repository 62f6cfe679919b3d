use std::borrow::Cow;

use crate::engine::EngineError;
use crate::error::Code;
use crate::gateway::friend::Unfit;

/// Why a call failed: a public code, and what a person who debugs the caller needs to know.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {info}")]
pub struct ApiError {
    pub code: Code,
    /// `ErrorInfo`.
    pub info: Cow<'static, str>,
}

impl ApiError {
    pub fn new(code: Code, info: impl Into<Cow<'static, str>>) -> Self {
        Self { code, info: info.into() }
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code, code.message())
    }
}

impl From<Unfit> for ApiError {
    fn from(unfit: Unfit) -> Self {
        Self::new(unfit.code, unfit.text)
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        if let EngineError::Rows(error) = &error {
            tracing::error!(error = error as &dyn std::error::Error, "a query of the server API failed");
        }
        match error {
            EngineError::Hook { code, info: Some(info) } => Self::new(code, info),
            error => Self::from(error.code()),
        }
    }
}
