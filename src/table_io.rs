//! How RocksDB writes tables, beside syncs of the log that somebody waits for: around the page cache, and evenly.
//!
//! Through the page cache a sync of the log waits for the tables, too: a file system that writes the new blocks of all
//! files before it commits the size of one (ext4, as it is mounted by default) has up to a whole table to write first. On
//! a disk with a sync of 0.3 ms some syncs were seen to take 10 to 90 ms while tables were written.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rocksdb::Options;

/// So high that sends, folds and rebuilds were no slower than before there was a limit (ADR 14).
const BYTES_A_SECOND: i64 = 200 << 20;
/// The disk gets 200 KiB at once, and not what a thread has ready: a sync waits for what came just before it.
const SHARED_OUT_MICROS: i64 = 1_000;
/// RocksDB's own: of ten shares one goes to who has less of a right to it.
const FAIRNESS: i32 = 10;

/// Has flushes and compactions write so, around the page cache only if the file system of this folder can. The folder has to
/// be there.
pub fn beside_syncs(options: &mut Options, folder: &Path) {
    options.set_use_direct_io_for_flush_and_compaction(direct_io_is_possible(folder));
    options.set_ratelimiter(BYTES_A_SECOND, SHARED_OUT_MICROS, FAIRNESS);
}

fn direct_io_is_possible(folder: &Path) -> bool {
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
