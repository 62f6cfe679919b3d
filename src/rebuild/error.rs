use thiserror::Error;

use crate::engine::{FolderError, OpenError};
use crate::log::LogError;
use crate::store::StoreError;
use crate::store::checkpoint::CheckpointError;

/// Why a log was not folded again to its end.
#[derive(Debug, Error)]
pub enum RebuildError {
    #[error("partition {partition} cannot be folded")]
    Fold { partition: u32, source: FolderError },
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// State, checkpoint and log do not belong together; the text says what to do.
    #[error(transparent)]
    State(#[from] OpenError),
}
