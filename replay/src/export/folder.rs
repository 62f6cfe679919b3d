use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use duolog::durable;
use duolog::store::Store;
use serde::{Deserialize, Serialize};

use super::file::{create, finish};
use super::format::{Format, Sink};
use super::message::Message;
use super::{Begin, Output, Selection, open_store};

const MANIFEST: &str = "manifest.json";
/// The state that the fold has come to, so that the next run folds only what is new.
const STATE: &str = ".state";

/// What a folder holds.
#[derive(Serialize, Deserialize)]
struct Manifest {
    /// The options that chose the messages.
    selection: String,
    /// By partition: the first offset whose messages are not written.
    next: BTreeMap<u32, u64>,
    parts: Vec<PartEntry>,
}

#[derive(Serialize, Deserialize)]
struct PartEntry {
    file: String,
    partition: u32,
    messages: u64,
}

/// Part files, and a manifest of what is done. The same command goes on where it stopped, however it stopped:
///
/// ```text
/// messages-0-00000000000000000000.parquet    partition, offset of the first message
/// manifest.json                              written after each part: parts that it does not name are written again
/// .state/                                    the fold; never ahead of the manifest, or it is made anew
/// ```
pub struct Folder {
    path: PathBuf,
    format: Format,
    part_messages: u64,
    manifest: Manifest,
    part: Option<Part>,
    store: Option<Store>,
}

/// A part that is being written.
struct Part {
    sink: Box<dyn Sink>,
    entry: PartEntry,
}

impl Folder {
    /// # Errors
    /// If the folder holds messages that other options chose, or cannot be written.
    pub fn open(path: &Path, selection: &Selection, part_messages: u64) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("{} cannot be made", path.display()))?;
        let (file, selection_text) = (path.join(MANIFEST), selection.describe());
        let manifest = if file.exists() {
            let text = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("{} is no manifest of an export", file.display()))?
        } else {
            Manifest { selection: selection_text.clone(), next: BTreeMap::new(), parts: Vec::new() }
        };
        if manifest.selection != selection_text {
            bail!(
                "{} holds an export with {}; give {selection_text} another folder",
                path.display(),
                manifest.selection
            );
        }
        for entry in fs::read_dir(path)? {
            let left = entry?.path();
            if left.extension().is_some_and(|extension| extension == durable::UNFINISHED) {
                fs::remove_file(&left).with_context(|| format!("{} cannot be removed", left.display()))?;
            }
        }
        let (path, format) = (path.to_owned(), selection.format);
        Ok(Self { path, format, part_messages, manifest, part: None, store: None })
    }

    fn begin_part(&self, message: &Message<'_>) -> Result<Part> {
        let file = format!("messages-{}-{:020}.{}", message.partition, message.offset, self.format.extension());
        let sink = self.format.sink(Box::new(create(&self.path.join(&file))?))?;
        Ok(Part { sink, entry: PartEntry { file, partition: message.partition, messages: 0 } })
    }

    /// First the part, then the state, then the manifest: whatever of them a crash prevents is done again.
    fn end_part(&mut self, partition: u32, next: u64) -> Result<()> {
        if let Some(Part { sink, entry }) = self.part.take() {
            sink.end()?;
            finish(&self.path.join(&entry.file))?;
            self.manifest.parts.push(entry);
        }
        if let Some(store) = &self.store {
            store.flush()?;
        }
        self.manifest.next.insert(partition, next);
        let path = self.path.join(MANIFEST);
        durable::write(&path, &serde_json::to_vec_pretty(&self.manifest)?)
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

impl Output for Folder {
    fn begin(&mut self, partition: u32, wanted: u64, fresh: &dyn Fn(&Path) -> Result<u64>) -> Result<Begin> {
        let path = self.path.join(STATE).join(partition.to_string());
        let write_from = self.manifest.next.get(&partition).map_or(wanted, |next| wanted.max(*next));
        let kept = if path.exists() { open_store(&path)?.applied() } else { None };
        let fold_from = match kept {
            Some(applied) if self.manifest.next.get(&partition).is_some_and(|next| applied.next <= *next) => {
                applied.next
            }
            _ => {
                if path.exists() {
                    fs::remove_dir_all(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
                }
                fs::create_dir_all(self.path.join(STATE))?;
                fresh(&path)?
            }
        };
        let store = open_store(&path)?;
        self.store = Some(store.clone());
        Ok(Begin { store, fold_from, write_from })
    }

    fn add(&mut self, message: &Message<'_>) -> Result<()> {
        let mut part = match self.part.take() {
            Some(part) => part,
            None => self.begin_part(message)?,
        };
        part.sink.add(message)?;
        part.entry.messages += 1;
        self.part = Some(part);
        Ok(())
    }

    fn reached(&mut self, partition: u32, next: u64, end: u64) -> Result<()> {
        let full = self.part.as_ref().is_some_and(|part| part.entry.messages >= self.part_messages);
        if full || next >= end { self.end_part(partition, next) } else { Ok(()) }
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}
