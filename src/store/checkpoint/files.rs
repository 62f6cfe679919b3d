//! Local files and folders, synced where something depends on it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::CheckpointError;

/// A folder that goes when its owner does, unless it was renamed by then.
pub(super) struct Scratch {
    pub path: PathBuf,
}

impl Scratch {
    /// Takes the name, and removes what an interrupted attempt left there. The folder is not made yet.
    pub(super) fn new(path: PathBuf) -> Result<Self, CheckpointError> {
        remove_folder(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If it stays, the next attempt removes it.
        let _ = remove_folder(&self.path);
    }
}

pub(super) fn make_folder(path: &Path) -> Result<(), CheckpointError> {
    fs::create_dir_all(path).map_err(CheckpointError::files(path))
}

fn remove_folder(path: &Path) -> Result<(), CheckpointError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CheckpointError::files(path)(error)),
        _ => Ok(()),
    }
}

/// Makes names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), CheckpointError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(CheckpointError::files(path))
}

/// Renames a folder, durably.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), CheckpointError> {
    fs::rename(from, to).map_err(CheckpointError::files(to))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// The files of a folder, by name.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, CheckpointError> {
    let failed = CheckpointError::files(folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(&failed)? {
        let name = entry.map_err(&failed)?.file_name();
        names.push(name.into_string().map_err(|_| failed(io::ErrorKind::InvalidFilename.into()))?);
    }
    names.sort();
    Ok(names)
}

/// A file that is written a part at a time.
pub(super) struct NewFile {
    path: PathBuf,
    file: File,
}

impl NewFile {
    pub(super) fn create(path: PathBuf) -> Result<Self, CheckpointError> {
        let file = File::create(&path).map_err(CheckpointError::files(&path))?;
        Ok(Self { path, file })
    }

    pub(super) fn write(&mut self, part: &[u8]) -> Result<(), CheckpointError> {
        self.file.write_all(part).map_err(CheckpointError::files(&self.path))
    }

    /// Makes its content durable.
    pub(super) fn finish(self) -> Result<(), CheckpointError> {
        self.file.sync_all().map_err(CheckpointError::files(&self.path))
    }
}

/// Removes what object stores in folders leave of a write that a crash interrupted: names that end with `#` and a number,
/// which no list shows.
pub(super) fn remove_unfinished(folder: &Path) -> Result<(), CheckpointError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(CheckpointError::files(folder))?,
    };
    for entry in entries {
        let path = entry.map_err(CheckpointError::files(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.rsplit_once('#').map(|(_, number)| number);
        if number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())) {
            fs::remove_file(&path).map_err(CheckpointError::files(&path))?;
        }
    }
    Ok(())
}
