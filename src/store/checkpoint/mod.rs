//! Checkpoints of one partition's state in a local folder: the base that a rebuild starts from.
//!
//! ```text
//! checkpoints/0/
//!   00000000000000000003-00000000000000048213-9f4ac2d01b77e350/     epoch, offset, checksum of the record before it
//!     manifest.json      what belongs to it, with sizes and checksums
//!     000017.sst ...     copies, never links: damage to the state is not damage to them
//! ```
//!
//! A checkpoint appears whole or not at all: it is made under another name, synced, and renamed.

mod copying;
mod error;
mod manifest;
mod name;
#[cfg(test)]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use self::copying::Scratch;
pub use self::{
    error::CheckpointError,
    manifest::{FileEntry, Manifest, Origin},
    name::Name,
};
use super::Store;

/// Good checkpoints that [`Checkpoints::prune`] keeps. The log is trimmed only below the older one.
pub const KEPT: usize = 2;

/// The checkpoints of one partition.
pub struct Checkpoints {
    root: PathBuf,
}

/// The newest checkpoint that is whole, and what was passed over on the way to it.
#[derive(Debug)]
pub struct Newest {
    pub found: Option<Manifest>,
    /// Newer ones, newest first, each with what is wrong with it.
    pub passed_over: Vec<(Name, CheckpointError)>,
}

impl Checkpoints {
    /// Those in a folder, which need not exist yet. One process at a time makes and prunes there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes a checkpoint of what is committed now, and reads it back. If there is a good one of the same place already,
    /// that one is it. Costs a flush, one copy of the state, and reading that again.
    ///
    /// # Errors
    /// If the store is empty, the disk fails, or what was written does not read back as it should: then no checkpoint
    /// of that name is left.
    pub fn make(&self, store: &Store, origin: &Origin) -> Result<Manifest, CheckpointError> {
        let linked = Scratch::new(store.path().join("checkpoint.tmp"))?;
        let applied = store.checkpoint(&linked.path)?.ok_or(CheckpointError::Empty)?;
        let name = Name::new(origin.epoch, applied);
        if let Ok(same) = self.verify(&name) {
            return Ok(same);
        }
        let made = Scratch::new(self.root.join(format!("{name}.tmp")))?;
        copying::make_folder(&made.path)?;
        let files = copying::copy_all(&linked.path, &made.path)?;
        let manifest = Manifest::new(origin.clone(), applied, files);
        manifest.write(&made.path)?;
        manifest.verify_files(&made.path)?;

        let place = self.folder(&name);
        copying::remove_folder(&place)?;
        copying::rename(&made.path, &place)?;
        Ok(manifest)
    }

    /// All that are there, good or not, oldest first. Of two epochs, the later one is newer.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Name>, CheckpointError> {
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(CheckpointError::files(&self.root))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(CheckpointError::files(&self.root))?;
            names.extend(entry.file_name().to_str().and_then(|name| name.parse::<Name>().ok()));
        }
        names.sort();
        Ok(names)
    }

    /// Reads a checkpoint through: every file is there and has its checksum.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] names the file that is wrong.
    pub fn verify(&self, name: &Name) -> Result<Manifest, CheckpointError> {
        let folder = self.folder(name);
        let manifest = Manifest::read(&folder)?;
        if manifest.name() != *name {
            return Err(CheckpointError::damaged(&folder.join(manifest::FILE), "it belongs to another checkpoint"));
        }
        manifest.verify_files(&folder)?;
        Ok(manifest)
    }

    /// The newest checkpoint that is whole. Costs reading it, and those that are passed over.
    ///
    /// # Errors
    /// If the folder cannot be read. A damaged checkpoint is no error: it is passed over.
    pub fn newest_good(&self) -> Result<Newest, CheckpointError> {
        let mut passed_over = Vec::new();
        for name in self.list()?.into_iter().rev() {
            match self.verify(&name) {
                Ok(manifest) => return Ok(Newest { found: Some(manifest), passed_over }),
                Err(error) => passed_over.push((name, error)),
            }
        }
        Ok(Newest { found: None, passed_over })
    }

    /// Copies a checkpoint to where a store is opened next, checking each file on the way. The folder appears whole or
    /// not at all.
    ///
    /// # Errors
    /// If the folder exists, a file of the checkpoint is damaged, or the disk fails.
    pub fn restore(&self, name: &Name, into: &Path) -> Result<Manifest, CheckpointError> {
        if into.exists() {
            return Err(CheckpointError::files(into)(io::ErrorKind::AlreadyExists.into()));
        }
        let folder = self.folder(name);
        let manifest = Manifest::read(&folder)?;
        let restored = Scratch::new(into.with_extension("restoring"))?;
        copying::make_folder(&restored.path)?;
        for entry in &manifest.files {
            let copied = copying::copy_file(&folder, &restored.path, &entry.name)?;
            entry.compare(&folder, &copied)?;
        }
        copying::sync_folder(&restored.path)?;
        copying::rename(&restored.path, into)?;
        Ok(manifest)
    }

    /// Removes what is older than the newest good ones ([`KEPT`]), and what an interrupted [`Checkpoints::make`] left.
    /// Those of an epoch above `epoch` belong to a later owner: they are neither removed nor counted. Gives the kept good
    /// ones, newest first.
    ///
    /// # Errors
    /// If a folder cannot be read or removed.
    pub fn prune(&self, epoch: u64) -> Result<Vec<Manifest>, CheckpointError> {
        self.remove_unfinished()?;
        let mut kept = Vec::new();
        for name in self.list()?.into_iter().rev().filter(|name| name.epoch <= epoch) {
            if kept.len() == KEPT {
                copying::remove_folder(&self.folder(&name))?;
            } else {
                kept.extend(self.verify(&name).ok());
            }
        }
        Ok(kept)
    }

    fn remove_unfinished(&self) -> Result<(), CheckpointError> {
        let Ok(entries) = fs::read_dir(&self.root) else { return Ok(()) };
        for entry in entries {
            let path = entry.map_err(CheckpointError::files(&self.root))?.path();
            if path.extension().is_some_and(|extension| extension == "tmp") {
                copying::remove_folder(&path)?;
            }
        }
        Ok(())
    }

    fn folder(&self, name: &Name) -> PathBuf {
        self.root.join(name.to_string())
    }
}
