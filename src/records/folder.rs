use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Hour, HourFile, UtcOffset, Written};
use crate::durable;

const INDEX: &str = "index.json";
const BUFFER: usize = 1 << 20;

/// Why a folder of record files cannot be used.
#[derive(Debug, Error)]
pub enum FolderError {
    #[error("{}: {source}", path.display())]
    Files { path: PathBuf, source: io::Error },
    #[error("{} cannot be read: {source}; delete it, and the files are written again", path.display())]
    Index { path: PathBuf, source: serde_json::Error },
    /// The names of its files mean other hours, or its messages are another log's.
    #[error(
        "{} holds record files of {found}, this server writes those of {wanted}: set that back, or give it another \
         records.dir", path.display()
    )]
    Foreign { path: PathBuf, found: Identity, wanted: Identity },
}

/// Whose messages a folder holds, and what its hours mean.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    pub log_id: String,
    /// Minutes ahead of UTC.
    pub utc_offset: UtcOffset,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = self.utc_offset.show(0);
        write!(f, "log {}, named by a clock that shows {start} at the start of 1970 (UTC)", self.log_id)
    }
}

/// What a folder holds, and where the writer goes on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Index {
    #[serde(flatten)]
    pub identity: Identity,
    pub position: Position,
    /// The hours that have a file.
    pub hours: BTreeMap<Hour, Entry>,
}

/// The first hour that is not written, and where the log's partitions have to be read from for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Position {
    pub hour: Hour,
    /// The log's generation: its offsets mean nothing in another one.
    pub generation: u32,
    /// One a partition.
    pub offsets: Vec<u64>,
}

/// An hour that has a file.
pub type Entry = Written;

/// The folder of the record files. Any number of readers, one writer.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of an hour, whether it is there or not.
    pub fn file(&self, hour: Hour) -> PathBuf {
        self.path.join(format!("{hour}.gz"))
    }

    /// What the folder holds; nothing if no writer has begun, or the folder was emptied.
    ///
    /// # Errors
    /// [`FolderError`]: it cannot be read.
    pub fn index(&self) -> Result<Option<Index>, FolderError> {
        let path = self.path.join(INDEX);
        match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|source| FolderError::Index { path, source }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FolderError::Files { path, source }),
        }
    }

    /// Puts a new index in place of the old one, durably.
    ///
    /// # Errors
    /// [`FolderError`]: the old one still holds.
    pub fn save(&self, index: &Index) -> Result<(), FolderError> {
        let path = self.path.join(INDEX);
        let json =
            serde_json::to_vec_pretty(index).map_err(|source| FolderError::Index { path: path.clone(), source })?;
        fs::create_dir_all(&self.path).map_err(failed(&self.path))?;
        durable::write(&path, &json).map_err(failed(&path))
    }

    /// Writes an hour's file: `messages` adds them. It is there as a whole, and durable, or not at all.
    ///
    /// # Errors
    /// Those of `messages`; [`FolderError`].
    pub fn write<E: From<FolderError>>(
        &self,
        hour: Hour,
        sdkappid: u64,
        messages: impl FnOnce(&mut HourFile<BufWriter<File>>) -> Result<(), E>,
    ) -> Result<Written, E> {
        let path = self.file(hour);
        let failed = failed(&path);
        fs::create_dir_all(&self.path).map_err(&failed)?;
        let out = BufWriter::with_capacity(BUFFER, File::create(durable::unfinished(&path)).map_err(&failed)?);
        let mut file = HourFile::begin(out, sdkappid, hour).map_err(&failed)?;
        messages(&mut file)?;
        let (out, written) = file.end().map_err(&failed)?;
        out.into_inner().map_err(|error| failed(error.into_error()))?;
        durable::finish(&path).map_err(&failed)?;
        Ok(written)
    }

    /// The hours that have a file, whatever the index says.
    ///
    /// # Errors
    /// [`FolderError::Files`]: the folder cannot be listed.
    pub fn hours(&self) -> Result<Vec<Hour>, FolderError> {
        let failed = failed(&self.path);
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut hours = Vec::new();
        for entry in entries {
            let name = entry.map_err(&failed)?.file_name();
            hours.extend(name.to_str().and_then(|name| name.strip_suffix(".gz")?.parse::<Hour>().ok()));
        }
        Ok(hours)
    }

    /// Takes an hour's file away.
    ///
    /// # Errors
    /// [`FolderError::Files`]; one that is gone already is none.
    pub fn remove(&self, hour: Hour) -> Result<(), FolderError> {
        let path = self.file(hour);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path)(error)),
            _ => Ok(()),
        }
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> FolderError + use<> {
    let path = path.to_owned();
    move |source| FolderError::Files { path: path.clone(), source }
}
