//! One process for one directory: an advisory lock on a file inside it.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// The file that carries the lock. It stays when the lock goes; only the lock on it means something.
const FILE: &str = "duolog.lock";

/// Why a directory could not be taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process, or another part of this one, holds it.
    #[error("{} is in use by another duolog process; stop that one, or give this one another directory", .0.display())]
    InUse(PathBuf),
    #[error("{} cannot be locked: {source}", path.display())]
    Failed { path: PathBuf, source: io::Error },
}

/// Holds a directory until it is dropped, or the process ends however it ends.
#[derive(Debug)]
pub struct DirLock {
    file: File,
}

impl Drop for DirLock {
    /// A process that was started meanwhile has the file open, too, until it becomes another program: closing the file here
    /// would leave the lock with it.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!("a directory is let go when its lock's file is closed: {error}");
        }
    }
}

/// Takes a directory for this process, and makes it if it is not there.
///
/// # Errors
/// [`LockError::InUse`] if it is taken; [`LockError::Failed`] if the file system refuses.
pub fn lock_dir(path: &Path) -> Result<DirLock, LockError> {
    let failed = |source| LockError::Failed { path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(failed)?;
    let file = File::options().write(true).create(true).truncate(false).open(path.join(FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(DirLock { file }),
        Err(TryLockError::WouldBlock) => Err(LockError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_which_directory_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let held = lock_dir(&path).unwrap();

        let refused = lock_dir(&path).unwrap_err().to_string();
        assert!(refused.contains(path.to_str().unwrap()) && refused.contains("in use"), "{refused}");

        drop(held);
        lock_dir(&path).unwrap();
    }

    #[test]
    fn a_process_that_is_being_started_keeps_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock_dir(dir.path()).unwrap();
        let as_a_child_has_it = held.file.try_clone().unwrap();
        drop(held);
        lock_dir(dir.path()).unwrap();
        drop(as_a_child_has_it);
    }
}
