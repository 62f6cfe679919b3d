//! Files and folders, synced where a checkpoint depends on it.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::Xxh3;

use super::{CheckpointError, FileEntry};

const CHUNK: usize = 1 << 20;

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

pub(super) fn remove_folder(path: &Path) -> Result<(), CheckpointError> {
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

pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(CheckpointError::files(path))
}

/// Copies all files of a folder into another.
pub(super) fn copy_all(from: &Path, to: &Path) -> Result<Vec<FileEntry>, CheckpointError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(from).map_err(CheckpointError::files(from))? {
        let name = entry.map_err(CheckpointError::files(from))?.file_name();
        let name = name.to_str().ok_or_else(|| CheckpointError::files(from)(io::ErrorKind::InvalidFilename.into()))?;
        files.push(copy_file(from, to, name)?);
    }
    Ok(files)
}

/// Copies one file and syncs the copy; gives what was read.
pub(super) fn copy_file(from: &Path, to: &Path, name: &str) -> Result<FileEntry, CheckpointError> {
    let copy = to.join(name);
    let mut out = File::create(&copy).map_err(CheckpointError::files(&copy))?;
    let entry = each_chunk(from, name, |chunk| out.write_all(chunk).map_err(CheckpointError::files(&copy)))?;
    out.sync_all().map_err(CheckpointError::files(&copy))?;
    Ok(entry)
}

/// Reads one file through; gives what was read.
pub(super) fn read_file(folder: &Path, name: &str) -> Result<FileEntry, CheckpointError> {
    each_chunk(folder, name, |_| Ok(()))
}

fn each_chunk(
    folder: &Path,
    name: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), CheckpointError>,
) -> Result<FileEntry, CheckpointError> {
    let path = folder.join(name);
    let failed = CheckpointError::files(&path);
    let mut file = File::open(&path).map_err(&failed)?;
    let (mut hash, mut bytes, mut chunk) = (Xxh3::new(), 0, vec![0; CHUNK]);
    loop {
        let length = file.read(&mut chunk).map_err(&failed)?;
        if length == 0 {
            return Ok(FileEntry::new(name, bytes, hash.digest()));
        }
        hash.update(&chunk[..length]);
        take(&chunk[..length])?;
        bytes += length as u64;
    }
}
