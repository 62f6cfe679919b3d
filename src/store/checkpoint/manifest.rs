use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{CheckpointError, Name, objects::Content};
use crate::store::Applied;

/// Rises when the meaning of a field changes.
const FORMAT: u32 = 2;

/// Whose state it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// Which log it was folded from; opaque here.
    pub log_id: String,
    /// Of that log: each move to another log raises it, and offsets begin anew.
    pub generation: u32,
    pub partition: u32,
    /// Of the owner that made it.
    pub epoch: u64,
}

impl Origin {
    /// Whether both are of the same log.
    pub fn is_of(&self, other: &Self) -> bool {
        (&self.log_id, self.generation) == (&other.log_id, other.generation)
    }
}

/// What belongs to a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    #[serde(flatten)]
    pub origin: Origin,
    next: u64,
    checksum: Hex,
    /// When it was made, Unix milliseconds.
    pub made: u64,
    /// By name.
    pub files: Vec<FileEntry>,
}

/// One file of a checkpoint.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct FileEntry {
    /// Where it is put when the state is put back.
    pub name: String,
    pub bytes: u64,
    xxh3: Hex,
    /// The object that holds it; other checkpoints may name the same one.
    pub object: Name,
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

/// The manifest as it is stored: with a checksum over its compact JSON.
#[derive(Serialize, Deserialize)]
struct Sealed {
    manifest: Manifest,
    xxh3: Hex,
}

impl Manifest {
    pub(super) fn new(origin: Origin, applied: Applied, made: u64, mut files: Vec<FileEntry>) -> Self {
        files.sort();
        Self { format: FORMAT, origin, next: applied.next, checksum: Hex(applied.checksum), made, files }
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

    /// As it is stored.
    pub(super) fn encode(&self) -> Vec<u8> {
        let sealed = Sealed { manifest: self.clone(), xxh3: self.seal() };
        let mut text = serde_json::to_vec_pretty(&sealed).expect("a manifest has only names and numbers");
        text.push(b'\n');
        text
    }

    /// Reads what [`Manifest::encode`] wrote; `file` is for the error.
    pub(super) fn decode(text: &[u8], file: &str) -> Result<Self, CheckpointError> {
        let damaged = |what: String| CheckpointError::Damaged { file: file.to_owned(), what };
        let Sealed { manifest, xxh3 } = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
        if manifest.seal() != xxh3 {
            return Err(damaged("it does not match its checksum".to_owned()));
        }
        if manifest.format != FORMAT {
            let format = manifest.format;
            return Err(damaged(format!("it has format {format}, and this release knows only format {FORMAT}")));
        }
        Ok(manifest)
    }
}

impl FileEntry {
    pub(super) fn new(name: String, content: Content, object: Name) -> Self {
        Self { name, bytes: content.bytes, xxh3: Hex(content.xxh3), object }
    }

    pub(super) fn content(&self) -> Content {
        Content { bytes: self.bytes, xxh3: self.xxh3.0 }
    }

    /// What is wrong with an object that was found to hold this.
    pub(super) fn difference(&self, found: Content) -> Option<String> {
        match found {
            same if same == self.content() => None,
            other if other.bytes != self.bytes => Some(format!("it has {} bytes, not {}", other.bytes, self.bytes)),
            _ => Some("it does not match its checksum".to_owned()),
        }
    }
}
