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
    #[error("checkpoint file {file} is damaged: {what}")]
    Damaged { file: String, what: String },
    /// It may work later.
    #[error("{place}: {source}")]
    Objects { place: String, source: object_store::Error },
    #[error("checkpoints cannot lie in {place}: {why}")]
    Place { place: String, why: String },
    #[error("broken off: the process stops")]
    Stopped,
    #[error("{}: {source}", path.display())]
    Files { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CheckpointError {
    pub(super) fn files(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Files { path: path.to_owned(), source }
    }

    /// Whether the object is not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Objects { source: object_store::Error::NotFound { .. }, .. })
    }

    /// Whether this says something of the checkpoint itself, and not of the way to it: it will be the same tomorrow.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}
