//! Tables of RocksDB that are written around the page cache.
//!
//! Through the page cache a sync of the log waits for the tables, too: a file system that writes the new blocks of all
//! files before it commits the size of one (ext4, as it is mounted by default) has up to a whole table to write first. On
//! a disk with a sync of 0.3 ms some syncs were seen to take 10 to 90 ms while tables were written.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rocksdb::Options;

/// Has flushes and compactions write around the page cache, if the file system of this folder can. The folder has to be
/// there.
pub fn enable(options: &mut Options, folder: &Path) {
    options.set_use_direct_io_for_flush_and_compaction(possible(folder));
}

fn possible(folder: &Path) -> bool {
    const PROBE: &str = "direct_io.probe";
    let path = folder.join(PROBE);
    let opened = open_direct(&path).is_ok();
    let removed = std::fs::remove_file(&path).is_ok();
    opened && removed
}

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().create(true).truncate(true).write(true).custom_flags(libc::O_DIRECT).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Path) -> std::io::Result<File> {
    Err(std::io::ErrorKind::Unsupported.into())
}
