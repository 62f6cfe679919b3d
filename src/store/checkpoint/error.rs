use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::store::StoreError;

/// Why a checkpoint could not be made or used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("there is nothing to make a checkpoint of: no record was applied")]
    Empty,
    /// Not what was written: this checkpoint is of no use, an older one may be.
    #[error("checkpoint file {} is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("{} cannot be used", path.display())]
    Files { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CheckpointError {
    pub(super) fn files(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Files { path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }
}
