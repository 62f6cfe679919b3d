//! M1: acked sends a second through the engine, against a loop that writes the same records and rows in batches of the
//! same size. The loop knows beforehand what to write; it judges nothing and answers nobody.

use std::sync::Arc;

use anyhow::Result;
use duolog::engine::Engine;
use duolog::log::{EmbeddedLog, Log};
use tokio::runtime::Runtime;

use crate::folding::{self, Folding};
use crate::load::{self, Watched};
use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{history, raw, scratch, stored};

const IN_FLIGHT: usize = 256;
const SENDS: u64 = 80_000;
const ROUNDS: u64 = 3;
const WARM_UP: u64 = 20_000;

pub fn measure(report: &mut Report) -> Result<()> {
    for &stored in stored() {
        let folder = scratch()?;
        let log = history::log(&folder.path().join("log"), stored)?;
        let (engine, batch) = engine(folder.path(), &log, stored)?;
        report.acked_sends.get_or_insert(engine.median());
        let first = log.bounds(0)?.high_watermark - ROUNDS * SENDS;
        let raw = raw(folder.path(), &log, first, batch.round().max(1.0) as usize)?;
        report.add(Figure {
            name: "M1",
            what: format!("acked sends through the engine, {IN_FLIGHT} in flight, {stored} stored"),
            measured: engine.to_string(),
            against: format!("the same records and rows written in a loop, {batch:.0} in a batch: {raw}"),
            ratio: engine.median() / raw.median(),
            goal: Goal::Share { goal: 0.8, at_least: 0.5 },
        });
    }
    Ok(())
}

/// Rates of an engine, and how many records it put into one append.
fn engine(folder: &std::path::Path, log: &Arc<EmbeddedLog>, stored: u64) -> Result<(Spread, f64)> {
    let runtime = Runtime::new()?;
    let opened = Engine::open(folding::parts(log.clone(), &folder.join("warm"))?, |_, _, _| {})?;
    load::closed_loop(&runtime, &opened, stored..stored + WARM_UP, IN_FLIGHT)?;
    opened.stop();
    drop(opened);

    let watched = Arc::new(Watched::new(log.clone()));
    let engine = Engine::open(folding::parts(watched.clone(), &folder.join("warm"))?, |_, _, _| {})?;
    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        let first = stored + WARM_UP + round * SENDS;
        let taken = load::closed_loop(&runtime, &engine, first..first + SENDS, IN_FLIGHT)?;
        rates.push(SENDS as f64 / taken.as_secs_f64());
    }
    engine.stop();
    Ok((Spread::new(rates), watched.batch()))
}

/// Rates of the loop on what the engine did from an offset on.
fn raw(folder: &std::path::Path, log: &EmbeddedLog, first: u64, batch: usize) -> Result<Spread> {
    let mut folding = Folding::new(&folder.join("again"))?;
    folding.catch_up(log, 0..first)?;
    let (records, rows) = (raw::open(&folder.join("raw log"))?, raw::open(&folder.join("raw rows"))?);
    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        let offset = first + round * SENDS;
        let batches = folding.captured(log, offset..offset + SENDS, batch)?;
        let taken = raw::append_and_commit_all(&records, &rows, offset, &batches)?;
        rates.push(SENDS as f64 / taken.as_secs_f64());
    }
    Ok(Spread::new(rates))
}
