//! M6: building the whole state again from the log, against a scan that decodes the same log.

use std::time::Instant;

use anyhow::Result;
use duolog::limits;
use duolog::log::{EmbeddedLog, Log};
use duolog::rebuild::{self, Span};

use crate::folding::{self, each_batch};
use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{history, scratch};

const MESSAGES: u64 = 200_000;
const ROUNDS: usize = 3;

pub fn measure(report: &mut Report) -> Result<()> {
    let folder = scratch()?;
    // Opened anew, so that nothing comes from the newest records that a log keeps in memory.
    drop(history::log(&folder.path().join("log"), MESSAGES)?);
    let log = EmbeddedLog::open(&folder.path().join("log"), 1)?;
    let end = log.bounds(0)?.high_watermark;
    let (mut scans, mut rebuilds) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let start = Instant::now();
        let mut decoded = 0;
        each_batch(&log, 0..end, limits::FOLD_RECORDS, |batch| {
            decoded += std::hint::black_box(batch).len();
            Ok(())
        })?;
        scans.push(decoded as f64 / start.elapsed().as_secs_f64());

        let start = Instant::now();
        let (store, _) = folding::store(&folder.path().join(format!("state {round}")))?;
        let span = Span { partition: 0, from: 0, end };
        rebuild::fold_log(&log, span, &mut store.writer(), &mut ())?;
        store.flush()?;
        rebuilds.push(end as f64 / start.elapsed().as_secs_f64());
    }
    let (scan, rebuild) = (Spread::new(scans), Spread::new(rebuilds));
    report.add(Figure {
        name: "M6",
        what: format!("rebuild of the state from {end} events, flushed"),
        measured: rebuild.to_string(),
        against: format!("decoding scan of the same log: {scan}"),
        ratio: rebuild.median() / scan.median(),
        goal: Goal::Share { goal: 0.25, at_least: 0.1 },
    });
    Ok(())
}
