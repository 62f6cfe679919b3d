use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{CheckpointError, Name, copying};
use crate::store::Applied;

/// The file of a checkpoint that says what belongs to it.
pub(super) const FILE: &str = "manifest.json";

/// Rises when the meaning of a field changes.
const FORMAT: u32 = 1;

/// Whose state it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// Which log it was folded from; opaque here.
    pub log_id: String,
    pub partition: u32,
    /// Of the owner that made it.
    pub epoch: u64,
}

/// What belongs to a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    #[serde(flatten)]
    pub origin: Origin,
    next: u64,
    checksum: Hex,
    /// All but the manifest, by name.
    pub files: Vec<FileEntry>,
}

/// One file of a checkpoint.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct FileEntry {
    pub name: String,
    pub bytes: u64,
    xxh3: Hex,
}

/// A 64-bit number that JSON readers keep exactly: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Hex(u64);

impl From<Hex> for String {
    fn from(hex: Hex) -> Self {
        format!("{:016x}", hex.0)
    }
}

impl TryFrom<String> for Hex {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// The manifest as it stands in its file: with a checksum over its compact JSON.
#[derive(Serialize, Deserialize)]
struct Sealed {
    manifest: Manifest,
    xxh3: Hex,
}

impl Manifest {
    pub(super) fn new(origin: Origin, applied: Applied, mut files: Vec<FileEntry>) -> Self {
        files.sort();
        Self { format: FORMAT, origin, next: applied.next, checksum: Hex(applied.checksum), files }
    }

    /// The place in the log whose rows it holds.
    pub fn applied(&self) -> Applied {
        Applied { next: self.next, checksum: self.checksum.0 }
    }

    pub fn name(&self) -> Name {
        Name::new(self.origin.epoch, self.applied())
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn seal(&self) -> Hex {
        Hex(xxh3_64(&serde_json::to_vec(self).expect("a manifest has only names and numbers")))
    }

    /// Writes it into a folder, and syncs both: then the folder is a checkpoint.
    pub(super) fn write(&self, folder: &Path) -> Result<(), CheckpointError> {
        let path = folder.join(FILE);
        let sealed = Sealed { manifest: self.clone(), xxh3: self.seal() };
        let mut text = serde_json::to_vec_pretty(&sealed).expect("a manifest has only names and numbers");
        text.push(b'\n');
        copying::write_file(&path, &text)?;
        copying::sync_folder(folder)
    }

    pub(super) fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let path = folder.join(FILE);
        let text = fs::read(&path).map_err(CheckpointError::files(&path))?;
        let Sealed { manifest, xxh3 } =
            serde_json::from_slice(&text).map_err(|error| CheckpointError::damaged(&path, error.to_string()))?;
        if manifest.seal() != xxh3 {
            return Err(CheckpointError::damaged(&path, "it does not match its checksum"));
        }
        if manifest.format != FORMAT {
            let what = format!("it has format {}, and this release knows only format {FORMAT}", manifest.format);
            return Err(CheckpointError::damaged(&path, what));
        }
        Ok(manifest)
    }

    /// Reads all files of the folder and compares them.
    pub(super) fn verify_files(&self, folder: &Path) -> Result<(), CheckpointError> {
        self.files.iter().try_for_each(|entry| entry.compare(folder, &copying::read_file(folder, &entry.name)?))
    }
}

impl FileEntry {
    pub(super) fn new(name: &str, bytes: u64, xxh3: u64) -> Self {
        Self { name: name.to_owned(), bytes, xxh3: Hex(xxh3) }
    }

    /// Compares what was read of a file in this folder with what belongs there.
    pub(super) fn compare(&self, folder: &Path, read: &Self) -> Result<(), CheckpointError> {
        let what = match read {
            same if same == self => return Ok(()),
            other if other.bytes != self.bytes => format!("it has {} bytes, not {}", other.bytes, self.bytes),
            _ => "it does not match its checksum".to_owned(),
        };
        Err(CheckpointError::damaged(&folder.join(&self.name), what))
    }
}
