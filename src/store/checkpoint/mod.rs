//! Checkpoints of the state in an object store, or in a local folder: the base that a rebuild starts from.
//!
//! ```text
//! <place>/0/                                                                       one partition
//!   00000000000000000003-00000000000000048213-9f4ac2d01b77e350.json                a checkpoint: epoch, offset, checksum of
//!                                                                                  the record before it
//!   files/00000000000000000003-00000000000000031007-77e3509f4ac2d01b               a file: epoch and offset of the first
//!                                                                                  checkpoint that has it, its checksum
//! ```
//!
//! **Making one.** RocksDB links what never changes into a folder beside the state. Each file is read; one whose bytes
//! another checkpoint has already is named again, any other is copied, never linked, and read back. Then the manifest is
//! written: sizes and checksums of all, and a checksum of its own. It is one small object, there whole or not at all, and
//! without it nothing of the rest counts. So a crash at any moment leaves files that nobody names, and the next owner
//! removes them.
//!
//! **Several owners.** A later owner has a higher epoch. An owner that sees a checkpoint of a later one removes nothing,
//! and no owner ever removes a file of a higher epoch.
//!
//! Memory: one part of a file. Time: each request ends, and with it the call; a store that is down makes the call fail.

mod error;
mod files;
mod manifest;
mod name;
mod objects;
mod place;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

pub use self::{
    error::CheckpointError,
    manifest::{FileEntry, Manifest, Origin},
    name::{Name, NotAName},
    place::{Place, S3Place},
};
use self::{
    files::{NewFile, Scratch},
    objects::{Content, Objects, content_of},
};
use super::Store;

/// Good checkpoints that [`Checkpoints::prune`] keeps. The log is trimmed only below the older one.
pub const KEPT: usize = 2;

/// The ending of a manifest's name.
const MANIFEST: &str = ".json";

/// Hears how much of what takes long is done: bytes, and bytes of all.
pub type Watch<'a> = &'a mut dyn FnMut(u64, u64);

/// The place of all partitions' checkpoints. Cloning is cheap.
#[derive(Clone)]
pub struct CheckpointStore(Objects);

impl CheckpointStore {
    /// Nothing is asked of the place yet, so one that is down is no error here.
    ///
    /// # Errors
    /// [`CheckpointError::Place`]: the settings contradict each other.
    pub fn open(place: Place) -> Result<Self, CheckpointError> {
        Objects::open(place).map(Self)
    }

    pub fn place(&self) -> &Place {
        self.0.place()
    }

    pub fn of(&self, partition: u32) -> Checkpoints {
        let objects = self.0.under(&partition.to_string());
        Checkpoints { files: objects.under("files"), manifests: objects }
    }

    /// Which partitions have checkpoints, or files of some.
    ///
    /// # Errors
    /// If the place does not answer.
    pub fn partitions(&self) -> Result<Vec<u32>, CheckpointError> {
        let mut found: Vec<u32> = self.0.folders()?.iter().filter_map(|name| name.parse().ok()).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Breaks off what is under way: the process stops, and nobody waits for a checkpoint.
    pub fn stop(&self) {
        self.0.stop();
    }
}

/// The checkpoints of one partition.
pub struct Checkpoints {
    manifests: Objects,
    files: Objects,
}

/// The newest checkpoint that is whole, and what was passed over on the way to it.
#[derive(Debug)]
pub struct Newest {
    pub found: Option<Manifest>,
    /// Newer ones, newest first, each with what is wrong with it.
    pub passed_over: Vec<(Name, CheckpointError)>,
}

/// Whether a partition's log goes on from a checkpoint.
pub type Fits<'f, E> = dyn Fn(&Manifest) -> Result<bool, E> + 'f;

impl Checkpoints {
    /// Makes a checkpoint of what is committed now, and reads it back. If there is a good one of the same place already,
    /// that one is it. Costs a flush, reading the state once, and copying and reading again what no checkpoint has yet.
    ///
    /// # Errors
    /// If the store is empty, the disk or the place fails, or what was written does not read back as it should: then there
    /// is no checkpoint of that name.
    pub fn make(&self, store: &Store, origin: &Origin, watch: Watch<'_>) -> Result<Manifest, CheckpointError> {
        let linked = Scratch::new(store.path().join("checkpoint.tmp"))?;
        let applied = store.checkpoint(&linked.path)?.ok_or(CheckpointError::Empty)?;
        let name = Name::new(origin.epoch, applied);
        match self.verify(&name) {
            Ok(same) if same.origin == *origin => return Ok(same),
            Err(error) if !error.is_damage() => return Err(error),
            _ => {}
        }
        self.remove_unfinished()?;
        let (reusable, there) = (self.reusable(origin)?, self.files.list()?);
        let mut files = Vec::new();
        let names = files::names(&linked.path)?;
        let mut progress = Progress::of(&linked.path, &names, watch)?;
        for file in names {
            let path = linked.path.join(&file);
            let content = content_of(&path)?;
            let object = Name { checksum: content.xxh3, ..name };
            let known = reusable.get(&(content.xxh3, content.bytes)).copied();
            let mut entry = FileEntry::new(file, content, known.unwrap_or(object));
            if known.is_none() || !self.is_whole(&entry, &there)? {
                entry.object = object;
                self.copy(&path, &entry)?;
            }
            files.push(entry);
            progress.passed(content.bytes);
        }
        let made = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
        let manifest = Manifest::new(origin.clone(), applied, made, files);
        self.write_manifest(&manifest)?;
        Ok(manifest)
    }

    /// All that are there, good or not, oldest first. Of two epochs, the later one is newer.
    ///
    /// # Errors
    /// If the place does not answer.
    pub fn list(&self) -> Result<Vec<Name>, CheckpointError> {
        let objects = self.manifests.list()?;
        let mut names: Vec<Name> =
            objects.keys().filter_map(|name| name.strip_suffix(MANIFEST)?.parse().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// What belongs to a checkpoint. Of its files nothing is read.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] if it does not say so any more.
    pub fn manifest(&self, name: &Name) -> Result<Manifest, CheckpointError> {
        let object = manifest_of(name);
        let file = self.manifests.shown(&object);
        let text = match self.manifests.read(&object) {
            Err(error) if error.is_not_found() => return Err(damaged(file, "it is not there")),
            text => text?,
        };
        let manifest = Manifest::decode(&text, &file)?;
        if manifest.name() == *name { Ok(manifest) } else { Err(damaged(file, "it belongs to another checkpoint")) }
    }

    /// Makes sure that a checkpoint is whole: every file is there and has its checksum. A file that this process has read
    /// before is not read again: it has to be there, and as long as it was.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] names the file that is wrong; any other error says nothing of the checkpoint.
    pub fn verify(&self, name: &Name) -> Result<Manifest, CheckpointError> {
        self.verify_watched(name, &mut |_, _| {})
    }

    /// [`Self::verify`], and tells how far it has come.
    ///
    /// # Errors
    /// As there.
    pub fn verify_watched(&self, name: &Name, watch: Watch<'_>) -> Result<Manifest, CheckpointError> {
        let manifest = self.manifest(name)?;
        let there = self.files.list()?;
        let mut progress = Progress { done: 0, all: manifest.bytes(), watch };
        for entry in &manifest.files {
            self.check(entry, &there)?;
            progress.passed(entry.bytes);
        }
        Ok(manifest)
    }

    /// The newest checkpoint that is whole and fits. Costs reading it, and those that are passed over.
    ///
    /// # Errors
    /// If the place does not answer. A damaged checkpoint is no error: it is passed over.
    pub fn newest_good(&self, mut fits: impl FnMut(&Manifest) -> bool) -> Result<Newest, CheckpointError> {
        let mut passed_over = Vec::new();
        for name in self.list()?.into_iter().rev() {
            match self.verify(&name) {
                Ok(manifest) if fits(&manifest) => return Ok(Newest { found: Some(manifest), passed_over }),
                Ok(_) => {}
                Err(error) if error.is_damage() => passed_over.push((name, error)),
                Err(error) => return Err(error),
            }
        }
        Ok(Newest { found: None, passed_over })
    }

    /// The newest good ones of a log, newest first, at most [`KEPT`]: `fits` says whether the log goes on from one. Of a log
    /// that was put back from a backup, newer ones may lie here.
    ///
    /// # Errors
    /// If the place does not answer; those of `fits`.
    pub fn good<E: From<CheckpointError>>(&self, of: &Origin, fits: &Fits<'_, E>) -> Result<Vec<Manifest>, E> {
        let mut good = Vec::new();
        for name in self.list()?.into_iter().rev() {
            match self.verify(&name) {
                Ok(manifest) if manifest.origin.is_of(of) && fits(&manifest)? => good.push(manifest),
                Ok(_) => {}
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error.into()),
            }
            if good.len() == KEPT {
                break;
            }
        }
        Ok(good)
    }

    /// Copies a checkpoint to where a store is opened next, checking each file on the way. The folder appears whole or
    /// not at all.
    ///
    /// # Errors
    /// If the folder exists, a file of the checkpoint is damaged, or the disk or the place fails.
    pub fn restore(&self, name: &Name, into: &Path, watch: Watch<'_>) -> Result<Manifest, CheckpointError> {
        if into.exists() {
            return Err(CheckpointError::files(into)(io::ErrorKind::AlreadyExists.into()));
        }
        let manifest = self.manifest(name)?;
        let there = self.files.list()?;
        manifest.files.iter().try_for_each(|entry| self.measure(entry, &there))?;
        let restored = Scratch::new(into.with_extension("restoring"))?;
        files::make_folder(&restored.path)?;
        let mut progress = Progress { done: 0, all: manifest.bytes(), watch };
        for entry in &manifest.files {
            let mut file = NewFile::create(restored.path.join(&entry.name))?;
            self.read_file(entry, |part| file.write(part))?;
            file.finish()?;
            progress.passed(entry.bytes);
        }
        files::sync_folder(&restored.path)?;
        files::rename(&restored.path, into)?;
        Ok(manifest)
    }

    /// Removes what is older than the newest good ones ([`KEPT`]), and the files that no checkpoint names. If there is a
    /// checkpoint of an epoch above the origin's, a later owner is at work, and nothing is removed. `fits` as in [`Self::good`].
    ///
    /// # Errors
    /// If the place does not answer; those of `fits`.
    pub fn prune<E: From<CheckpointError>>(&self, of: &Origin, fits: &Fits<'_, E>) -> Result<(), E> {
        let kept = self.good(of, fits)?;
        let mut names = self.list()?;
        for name in names.iter().rev().take_while(|name| name.epoch > of.epoch) {
            match self.manifest(name) {
                Ok(manifest) if !manifest.origin.is_of(of) || !fits(&manifest)? => {}
                Err(error) if !error.is_damage() => return Err(error.into()),
                Ok(_) | Err(_) => return Ok(()),
            }
        }
        if let Some(oldest) = kept.get(KEPT - 1) {
            let old = names.partition_point(|name| *name < oldest.name());
            for name in names.drain(..old) {
                self.manifests.delete(&manifest_of(&name))?;
            }
        }
        let mut named = HashSet::new();
        for name in &names {
            match self.manifest(name) {
                Ok(manifest) => named.extend(manifest.files.iter().map(|entry| entry.object)),
                // Nothing is known of its files, and nobody can use them without it.
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error.into()),
            }
        }
        for object in self.files.list()?.into_keys() {
            let Ok(file) = object.parse::<Name>() else { continue };
            if file.epoch <= of.epoch && !named.contains(&file) {
                self.files.delete(&object)?;
            }
        }
        Ok(())
    }

    /// Takes a checkpoint back; its files go with the next [`Self::prune`] if no other has them.
    ///
    /// # Errors
    /// If the place does not answer.
    pub fn remove(&self, name: &Name) -> Result<(), CheckpointError> {
        self.manifests.delete(&manifest_of(name))
    }

    /// The files of the newest checkpoints that can be read, by checksum and length. Those of later epochs are not this log's.
    fn reusable(&self, of: &Origin) -> Result<HashMap<(u64, u64), Name>, CheckpointError> {
        let mut reusable = HashMap::new();
        for name in self.list()?.iter().rev().filter(|name| name.epoch <= of.epoch).take(KEPT) {
            match self.manifest(name) {
                Ok(manifest) => {
                    for entry in &manifest.files {
                        let Content { xxh3, bytes } = entry.content();
                        reusable.entry((xxh3, bytes)).or_insert(entry.object);
                    }
                }
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(reusable)
    }

    /// Whether the object of a file that an earlier checkpoint has is as it should be.
    fn is_whole(&self, entry: &FileEntry, there: &BTreeMap<String, u64>) -> Result<bool, CheckpointError> {
        match self.check(entry, there) {
            Ok(()) => Ok(true),
            Err(error) if error.is_damage() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Copies a file into its object, and reads that back.
    fn copy(&self, path: &Path, entry: &FileEntry) -> Result<(), CheckpointError> {
        let object = entry.object.to_string();
        let sent = self.files.put_file(&object, path)?;
        metrics::counter!("duolog_checkpoint_copied_bytes_total").increment(sent.bytes);
        if sent != entry.content() {
            return Err(damaged(path.display().to_string(), "it changed while it was read"));
        }
        self.read_file(entry, |_| Ok(()))?;
        self.files.note_read_back(&object);
        Ok(())
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<(), CheckpointError> {
        let object = manifest_of(&manifest.name());
        self.manifests.put(&object, manifest.encode().into())?;
        match self.manifest(&manifest.name()) {
            Ok(same) if same == *manifest => Ok(()),
            Err(error) if !error.is_damage() => Err(error),
            _ => {
                self.manifests.delete(&object)?;
                Err(damaged(self.manifests.shown(&object), "it does not read back as it was written"))
            }
        }
    }

    /// Makes sure that the object of a file is there and, unless that was done before, that it holds the file.
    fn check(&self, entry: &FileEntry, there: &BTreeMap<String, u64>) -> Result<(), CheckpointError> {
        self.measure(entry, there)?;
        let object = entry.object.to_string();
        if !self.files.was_read_back(&object) {
            self.read_file(entry, |_| Ok(()))?;
            self.files.note_read_back(&object);
        }
        Ok(())
    }

    /// Makes sure that the object of a file is there and as long as the file.
    fn measure(&self, entry: &FileEntry, there: &BTreeMap<String, u64>) -> Result<(), CheckpointError> {
        let object = entry.object.to_string();
        let what = match there.get(&object) {
            Some(bytes) if *bytes == entry.bytes => return Ok(()),
            Some(bytes) => format!("it has {bytes} bytes, not {}", entry.bytes),
            None => "it is not there".to_owned(),
        };
        Err(CheckpointError::Damaged { file: self.files.shown(&object), what })
    }

    fn read_file(
        &self,
        entry: &FileEntry,
        take: impl FnMut(&[u8]) -> Result<(), CheckpointError>,
    ) -> Result<(), CheckpointError> {
        let object = entry.object.to_string();
        let file = self.files.shown(&object);
        let found = match self.files.read_parts(&object, entry.bytes, take) {
            Err(error) if error.is_not_found() => return Err(damaged(file, "it is not there")),
            found => found?,
        };
        entry.difference(found).map_or(Ok(()), |what| Err(CheckpointError::Damaged { file, what }))
    }

    /// What a crash left of a write into a local folder.
    fn remove_unfinished(&self) -> Result<(), CheckpointError> {
        if let Place::Folder(_) = self.files.place() {
            for objects in [&self.manifests, &self.files] {
                files::remove_unfinished(Path::new(&objects.shown("")))?;
            }
        }
        Ok(())
    }
}

/// Counts bytes for whoever watches.
struct Progress<'a> {
    done: u64,
    all: u64,
    watch: Watch<'a>,
}

impl<'a> Progress<'a> {
    fn of(folder: &Path, names: &[String], watch: Watch<'a>) -> Result<Self, CheckpointError> {
        let mut all = 0;
        for name in names {
            let path = folder.join(name);
            all += path.metadata().map_err(CheckpointError::files(&path))?.len();
        }
        Ok(Self { done: 0, all, watch })
    }

    fn passed(&mut self, bytes: u64) {
        self.done += bytes;
        (self.watch)(self.done, self.all);
    }
}

fn manifest_of(name: &Name) -> String {
    format!("{name}{MANIFEST}")
}

fn damaged(file: String, what: &str) -> CheckpointError {
    CheckpointError::Damaged { file, what: what.to_owned() }
}
