//! The embedded log against the promise, and against what disks and crashes do to files.

mod damage;
mod failing_disk;
mod opening;

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::*;
use crate::log::conformance::{self, Provider, record};

const ALL: ReadLimit = ReadLimit { records: usize::MAX, bytes: usize::MAX };

#[test]
fn it_keeps_the_promise() {
    let folders = Mutex::new(Vec::new());
    let make = |partitions| {
        let folder = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(folder.path(), partitions).unwrap();
        folders.lock().push(folder);
        Box::new(log) as Box<dyn Log>
    };
    let reopen = |log: Box<dyn Log>| {
        let partitions = log.partitions();
        drop(log);
        let folders = folders.lock();
        let newest = folders.last().unwrap().path();
        Box::new(EmbeddedLog::open(newest, partitions).unwrap()) as Box<dyn Log>
    };
    conformance::suite(&Provider::durable(make, reopen));
}

/// A log on disk, and how tests look at it.
struct Disk {
    folder: TempDir,
}

impl Disk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn open(&self) -> Result<EmbeddedLog, LogError> {
        EmbeddedLog::open(self.path(), 1)
    }

    /// What is on disk at this moment: what a killed process leaves.
    fn image(&self) -> Self {
        let image = Self::new();
        for entry in fs::read_dir(self.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), image.path().join(entry.file_name())).unwrap();
        }
        image
    }

    /// The files with this extension, oldest first.
    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let all = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = all.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
        files.sort();
        files
    }

    fn newest(&self, extension: &str) -> PathBuf {
        self.files(extension).pop().unwrap_or_else(|| panic!("a .{extension} file"))
    }
}

fn append(log: &EmbeddedLog, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    log.append(0, numbers.into_iter().map(record).collect()).unwrap()
}

/// The records that a log holds from offset 0 on, up to the first that cannot be read.
fn readable(log: &dyn Log) -> (u64, Option<LogError>) {
    let mut next = 0;
    loop {
        match log.read(0, next, ALL) {
            Ok(records) if records.is_empty() => return (next, None),
            Ok(records) => {
                for stored in records {
                    assert_eq!(stored, Stored { offset: next, record: record(next) });
                    next += 1;
                }
            }
            Err(error) => return (next, Some(error)),
        }
    }
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}
