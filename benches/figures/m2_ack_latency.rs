//! M2: how long an ack takes at half of M1's rate, against an append with `fdatasync`. The load comes at its own pace and
//! waits for nobody.

use std::sync::Arc;

use anyhow::Result;
use duolog::engine::Engine;
use tokio::runtime::Runtime;

use crate::load::{self, Watched};
use crate::report::{Figure, Goal, Report};
use crate::{folding, history, scratch};

const STORED: u64 = 10_000;
const SECONDS: f64 = 10.0;
/// The rate when M1 was not measured in this run.
const PROBE: u64 = 100_000;

pub fn measure(report: &mut Report) -> Result<()> {
    let folder = scratch()?;
    let log = history::log(&folder.path().join("log"), STORED)?;
    let log = Arc::new(Watched::new(log));
    let engine = Engine::open(folding::parts(log.clone(), &folder.path().join("state"))?, |_, _, _| {})?;
    let runtime = Runtime::new()?;
    let warm = load::closed_loop(&runtime, &engine, STORED..STORED + PROBE, 256)?;
    let rate = report.acked_sends.unwrap_or(PROBE as f64 / warm.as_secs_f64()) / 2.0;
    let first = STORED + PROBE;
    log.appends();
    let times = load::open_loop(&runtime, &engine, first..first + (rate * SECONDS) as u64, rate)?;
    engine.stop();

    let appends = log.appends().value_at_quantile(0.99) as f64 / 1e6;
    let quantile = |part| times.value_at_quantile(part) as f64 / 1e6;
    let limit = report.machine.sync_p99.as_secs_f64() * 1e3;
    report.add(Figure {
        name: "M2",
        what: format!("send to ack at {:.1} k/s, half of M1, p99", rate / 1e3),
        measured: format!(
            "{:.2} ms (p50 {:.2}, p99.9 {:.2}; of its appends alone {appends:.2})",
            quantile(0.99),
            quantile(0.5),
            quantile(0.999)
        ),
        against: format!("append + fdatasync, p99: {limit:.2} ms"),
        ratio: quantile(0.99) / limit,
        goal: Goal::Times { goal: 3.0, at_most: 6.0 },
    });
    Ok(())
}
