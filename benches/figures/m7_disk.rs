//! M7: bytes on disk for a message, log and state together, when everything is compacted.

use std::path::Path;

use anyhow::Result;
use duolog::log::Log;
use rocksdb::{DB, DBCompressionType, Options};

use crate::folding::Folding;
use crate::report::{Figure, Goal, Report};
use crate::{history, scratch};

const MESSAGES: u64 = 200_000;

pub fn measure(report: &mut Report) -> Result<()> {
    let folder = scratch()?;
    let (log_folder, state_folder) = (folder.path().join("log"), folder.path().join("state"));
    let log = history::log(&log_folder, MESSAGES)?;
    let mut folding = Folding::new(&state_folder)?;
    folding.catch_up(&log, 0..log.bounds(0)?.high_watermark)?;
    folding.store.flush()?;
    drop((folding, log));
    let (log, state) = (compacted(&log_folder)?, compacted(&state_folder)?);
    let each = |bytes: u64| bytes as f64 / MESSAGES as f64;
    report.add(Figure {
        name: "M7",
        what: format!("bytes on disk for a message, log and state compacted, {MESSAGES} messages"),
        measured: format!("{:.0} (log {:.0}, state {:.0})", each(log + state), each(log), each(state)),
        against: format!("a text of {} bytes", history::TEXT),
        ratio: each(log + state) / history::TEXT as f64,
        goal: Goal::Times { goal: 4.0, at_most: 6.0 },
    });
    Ok(())
}

/// Compacts a RocksDB that nobody has open; the bytes of its tables.
fn compacted(path: &Path) -> Result<u64> {
    let mut options = Options::default();
    options.set_compression_type(DBCompressionType::Lz4);
    let db = DB::open(&options, path)?;
    db.compact_range::<&[u8], &[u8]>(None, None);
    db.cancel_all_background_work(true);
    let files = db.live_files()?;
    Ok(files.iter().map(|file| file.size as u64).sum())
}
