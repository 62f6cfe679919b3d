//! The object store as blocking calls, each of which ends: by itself after bounded time, or when the process stops.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    future::Future,
    io::Read,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use bytes::Bytes;
use object_store::{ListResult, ObjectStore, ObjectStoreExt as _, PutPayload, path::Path as ObjectPath};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use xxhash_rust::xxh3::Xxh3;

use super::{CheckpointError, Place};

/// How much of a file is in memory at a time, and travels in one request.
const PART: usize = 8 << 20;
/// How often a call that waits looks whether it still has to.
const LOOK: Duration = Duration::from_millis(50);

/// Objects below a prefix. Cloning is cheap; clones remember the same and stop together.
#[derive(Clone)]
pub(super) struct Objects {
    shared: Arc<Shared>,
    prefix: ObjectPath,
}

struct Shared {
    store: Arc<dyn ObjectStore>,
    place: Place,
    stopped: AtomicBool,
    /// Objects that this process has read through since they were written, and found as they should be.
    read_back: Mutex<HashSet<ObjectPath>>,
}

/// What passed by: bytes and their checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Content {
    pub bytes: u64,
    pub xxh3: u64,
}

impl Objects {
    pub fn open(place: Place) -> Result<Self, CheckpointError> {
        let (store, prefix) = place.open()?;
        let shared = Shared { store, place, stopped: false.into(), read_back: Mutex::default() };
        Ok(Self { shared: Arc::new(shared), prefix })
    }

    pub fn under(&self, name: &str) -> Self {
        Self { shared: self.shared.clone(), prefix: self.prefix.clone().join(name) }
    }

    pub fn place(&self) -> &Place {
        &self.shared.place
    }

    /// What is under way and whatever is asked later fails.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }

    /// How people would write the name of an object.
    pub fn shown(&self, name: &str) -> String {
        let path = self.path(name);
        match &self.shared.place {
            Place::Folder(_) => format!("/{path}"),
            Place::S3(place) => format!("s3://{}/{path}", place.bucket),
        }
    }

    /// Writes a small object; it is there whole or not at all.
    pub fn put(&self, name: &str, bytes: Bytes) -> Result<(), CheckpointError> {
        let (store, path) = (self.shared.store.clone(), self.path(name));
        self.forget(&path);
        self.wait(name, async move { store.put(&path, PutPayload::from(bytes)).await })?;
        Ok(())
    }

    /// Copies a file into an object, a part at a time; gives what was read of it.
    pub fn put_file(&self, name: &str, file: &Path) -> Result<Content, CheckpointError> {
        let failed = CheckpointError::files(file);
        let mut parts = Parts::of(File::open(file).map_err(&failed)?);
        let first = parts.next().map_err(&failed)?;
        if first.len() < PART {
            self.put(name, first)?;
            return Ok(parts.content());
        }
        let (store, path) = (self.shared.store.clone(), self.path(name));
        self.forget(&path);
        let mut upload = self.wait(name, async move { store.put_multipart(&path).await })?;
        let mut part = first;
        while !part.is_empty() {
            let sent = self.wait(name, async move {
                let sent = upload.put_part(PutPayload::from(part)).await;
                if sent.is_err() {
                    // What was sent so far would be paid for.
                    let _ = upload.abort().await;
                }
                sent.map(|()| upload)
            });
            upload = sent?;
            part = parts.next().map_err(&failed)?;
        }
        self.wait(name, async move { upload.complete().await })?;
        Ok(parts.content())
    }

    /// Reads a small object.
    pub fn read(&self, name: &str) -> Result<Bytes, CheckpointError> {
        let (store, path) = (self.shared.store.clone(), self.path(name));
        self.wait(name, async move { store.get(&path).await?.bytes().await })
    }

    /// Reads an object of a known length, a part at a time.
    pub fn read_parts(
        &self,
        name: &str,
        bytes: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), CheckpointError>,
    ) -> Result<Content, CheckpointError> {
        let (mut hash, mut from) = (Xxh3::new(), 0);
        while from < bytes {
            let range = from..bytes.min(from + PART as u64);
            let (store, path, asked) = (self.shared.store.clone(), self.path(name), range.clone());
            let part = self.wait(name, async move { store.get_range(&path, asked).await })?;
            if part.is_empty() {
                break;
            }
            hash.update(&part);
            take(&part)?;
            from += part.len() as u64;
        }
        Ok(Content { bytes: from, xxh3: hash.digest() })
    }

    /// The objects directly below the prefix, with their lengths.
    pub fn list(&self) -> Result<BTreeMap<String, u64>, CheckpointError> {
        let found = self.look()?.objects.into_iter();
        Ok(found.filter_map(|object| Some((object.location.filename()?.to_owned(), object.size))).collect())
    }

    /// The names directly below the prefix that are the beginning of others.
    pub fn folders(&self) -> Result<Vec<String>, CheckpointError> {
        let found = self.look()?;
        Ok(found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
    }

    fn look(&self) -> Result<ListResult, CheckpointError> {
        let (store, prefix) = (self.shared.store.clone(), self.prefix.clone());
        self.wait("", async move { store.list_with_delimiter(Some(&prefix)).await })
    }

    /// Removes an object; one that is not there is none.
    pub fn delete(&self, name: &str) -> Result<(), CheckpointError> {
        let (store, path) = (self.shared.store.clone(), self.path(name));
        self.forget(&path);
        match self.wait(name, async move { store.delete(&path).await }) {
            Err(error) if error.is_not_found() => Ok(()),
            result => result,
        }
    }

    pub fn was_read_back(&self, name: &str) -> bool {
        self.shared.read_back.lock().contains(&self.path(name))
    }

    pub fn note_read_back(&self, name: &str) {
        self.shared.read_back.lock().insert(self.path(name));
    }

    fn forget(&self, path: &ObjectPath) {
        self.shared.read_back.lock().remove(path);
    }

    fn path(&self, name: &str) -> ObjectPath {
        self.prefix.clone().join(name)
    }

    /// Runs a request on the threads of the object store's clients, and waits for it: callers block, and some of them
    /// stand on a thread where a runtime could not.
    fn wait<T: Send + 'static>(
        &self,
        name: &str,
        request: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<T, CheckpointError> {
        let (answer, answers) = mpsc::sync_channel(1);
        let running = runtime()?.spawn(async move {
            // If nobody waits any more, nobody misses it.
            let _ = answer.send(request.await);
        });
        loop {
            if self.shared.stopped.load(Ordering::Relaxed) {
                running.abort();
                return Err(CheckpointError::Stopped);
            }
            match answers.recv_timeout(LOOK) {
                Ok(result) => {
                    let place = || self.shown(name);
                    return result.map_err(|source| CheckpointError::Objects { place: place(), source });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(CheckpointError::Stopped),
            }
        }
    }
}

/// The threads that talk to object stores, for as long as the process lives.
fn runtime() -> Result<&'static Runtime, CheckpointError> {
    static RUNTIME: Mutex<Option<&'static Runtime>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock();
    if let Some(runtime) = *runtime {
        return Ok(runtime);
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let made = builder.worker_threads(1).thread_name("objects").enable_all().build();
    let made = made.map_err(|error| CheckpointError::Place { place: "the process".into(), why: error.to_string() })?;
    Ok(runtime.insert(Box::leak(Box::new(made))))
}

/// A file in parts: all but the last are full, and the one after the last is empty.
struct Parts {
    file: File,
    hash: Xxh3,
    bytes: u64,
}

impl Parts {
    fn of(file: File) -> Self {
        Self { file, hash: Xxh3::new(), bytes: 0 }
    }

    fn next(&mut self) -> std::io::Result<Bytes> {
        let mut part = Vec::new();
        self.file.by_ref().take(PART as u64).read_to_end(&mut part)?;
        self.hash.update(&part);
        self.bytes += part.len() as u64;
        Ok(part.into())
    }

    fn content(&self) -> Content {
        Content { bytes: self.bytes, xxh3: self.hash.digest() }
    }
}

/// Reads a local file through.
pub(super) fn content_of(file: &Path) -> Result<Content, CheckpointError> {
    let failed = CheckpointError::files(file);
    let mut parts = Parts::of(File::open(file).map_err(&failed)?);
    while !parts.next().map_err(&failed)?.is_empty() {}
    Ok(parts.content())
}
