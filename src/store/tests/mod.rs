mod crash;
mod model;
mod rows;

use std::{collections::BTreeMap, fs, ops::Bound, path::Path};

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::domain::rows::{Cell, Changes, Direction, HashedKey, Key, KeyRange, Rows};

type Model = BTreeMap<Bytes, Bytes>;

const EVERYTHING: KeyRange<'static> = KeyRange { from: Bound::Unbounded, until: Bound::Unbounded };

fn shared() -> Shared {
    Shared::new(SharedSizes { block_cache: 8 << 20, write_buffers: 8 << 20, hot_rows: 1 << 20, threads: 1 }).unwrap()
}

fn open(path: &Path) -> Store {
    Store::open(path, &shared(), Arc::new(KeepAll)).unwrap()
}

/// A store that makes a table of every few commits.
fn open_small(path: &Path) -> Store {
    let sizes = SharedSizes { block_cache: 1 << 20, write_buffers: 12 << 10, hot_rows: 1 << 10, threads: 1 };
    Store::open(path, &Shared::new(sizes).unwrap(), Arc::new(KeepAll)).unwrap()
}

fn at(next: u64) -> Applied {
    Applied { next, checksum: next.wrapping_mul(0x9e37_79b9_7f4a_7c15) }
}

fn key(number: u32) -> Bytes {
    [&[1][..], &number.to_be_bytes()].concat().into()
}

fn put(store: &Store, next: u64, rows: impl IntoIterator<Item = (u32, &'static str)>) {
    let changes = rows.into_iter().map(|(number, value)| (key(number), Some(Bytes::from(value))));
    store.writer().commit(&mut changes.collect(), at(next)).unwrap();
}

fn scan(rows: &dyn Rows, range: KeyRange<'_>, direction: Direction) -> Vec<(Bytes, Bytes)> {
    let mut seen = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        seen.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        std::ops::ControlFlow::Continue(())
    };
    rows.scan(range, direction, visit).unwrap();
    seen
}

fn all(rows: &dyn Rows) -> Model {
    scan(rows, EVERYTHING, Direction::Forward).into_iter().collect()
}

/// What is on disk at this moment: what a killed process leaves. Nothing is written while it is taken.
fn image(store: &Store) -> TempDir {
    store.core.tables.wait().unwrap();
    store.core.db.wait_for_compact(&rocksdb::WaitForCompactOptions::default()).unwrap();
    image_of(store.path())
}

fn image_of(path: &Path) -> TempDir {
    let image = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        match fs::copy(entry.path(), image.path().join(entry.file_name())) {
            // RocksDB removes what it no longer needs when it comes to it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            copied => drop(copied.unwrap()),
        }
    }
    image
}

/// The files of a folder with what is in them.
fn files(path: &Path) -> BTreeMap<std::ffi::OsString, Vec<u8>> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
}
