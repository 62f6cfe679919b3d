//! M5: folding events into rows, the place in the log included, against a loop that writes the same keys and values; both
//! until all of them are in tables.
//!
//! Events are decoded beforehand, as they are in a server, where the appender's own event is folded.

use anyhow::Result;
use duolog::log::Log;

use crate::folding::Folding;
use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{history, raw, scratch, stored};

const EVENTS: u64 = 60_000;
const ROUNDS: u64 = 3;
const BATCH: usize = 256;

pub fn measure(report: &mut Report) -> Result<()> {
    for &stored in stored() {
        let folder = scratch()?;
        let log = history::log(&folder.path().join("log"), stored + ROUNDS * EVENTS)?;
        let first = log.bounds(0)?.high_watermark - ROUNDS * EVENTS;
        let [folding, again] = ["state", "again"].map(|name| Folding::new(&folder.path().join(name)));
        let (mut folding, mut again) = (folding?, again?);
        folding.catch_up(&log, 0..first)?;
        again.catch_up(&log, 0..first)?;
        let db = raw::open(&folder.path().join("raw"))?;
        let (mut fold, mut raw, mut rows) = (Vec::new(), Vec::new(), 0);
        for round in 0..ROUNDS {
            let offset = first + round * EVENTS;
            let taken = folding.timed(&log, offset..offset + EVENTS, BATCH)?;
            let batches = again.captured(&log, offset..offset + EVENTS, BATCH)?;
            fold.push(EVENTS as f64 / taken.as_secs_f64());
            raw.push(EVENTS as f64 / raw::commit_all(&db, &batches)?.as_secs_f64());
            rows += batches.iter().map(|batch| batch.changes.len()).sum::<usize>();
        }
        let (fold, raw) = (Spread::new(fold), Spread::new(raw));
        let each = rows as f64 / (ROUNDS * EVENTS) as f64;
        report.add(Figure {
            name: "M5",
            what: format!("fold, all rows and the place, flushed, {stored} stored, {BATCH} events in a batch"),
            measured: fold.to_string(),
            against: format!("the same {each:.1} rows an event written in a loop, no WAL, flushed: {raw}"),
            ratio: fold.median() / raw.median(),
            goal: Goal::Share { goal: 0.8, at_least: 0.5 },
        });
    }
    Ok(())
}
