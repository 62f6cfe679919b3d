use std::{io, path::PathBuf};

use thiserror::Error;

use crate::domain::rows::RowsError;

/// What went wrong below the rows. None of it is answered with a retry: the partition stops.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("state in {} cannot be opened", path.display())]
    Open { path: PathBuf, source: rocksdb::Error },
    #[error("folder {} cannot be used", path.display())]
    Files { path: PathBuf, source: io::Error },
    #[error("{operation} of the state failed")]
    Failed { operation: &'static str, source: rocksdb::Error },
    #[error("writing a table of the state failed: {0}")]
    Table(String),
    #[error(transparent)]
    Rows(#[from] RowsError),
}

impl StoreError {
    pub(super) fn failed(operation: &'static str) -> impl Fn(rocksdb::Error) -> Self {
        move |source| Self::Failed { operation, source }
    }
}
