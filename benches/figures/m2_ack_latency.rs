//! M2: how long an ack takes at half of M1's rate, against an append with `fdatasync` at that pace. Both loads come at their
//! own pace and wait for nobody. They take turns; the disk's best is the limit ([`machine::Machine::paced_limit`]).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use duolog::engine::Engine;
use hdrhistogram::Histogram;
use tokio::runtime::Runtime;

use crate::load::{self, Watched};
use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{folding, history, machine, scratch};

const STORED: u64 = 10_000;
const ROUNDS: u64 = 5;
const SECONDS: f64 = 4.0;
/// After a load, until its tables are compacted: the disk alone is measured next.
const REST: Duration = Duration::from_secs(2);
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
    let (mut acks, mut limits, mut all, mut appends) = (Vec::new(), Vec::new(), load::times(), load::times());
    let millis = |times: &Histogram<u64>, part| times.value_at_quantile(part) as f64 / 1e6;
    let sends = (rate * SECONDS) as u64;
    for round in 0..ROUNDS {
        std::thread::sleep(REST);
        limits.push(machine::paced_p99(rate, SECONDS)?);
        log.appends();
        let first = STORED + PROBE + round * sends;
        let times = load::open_loop(&runtime, &engine, first..first + sends, rate)?;
        acks.push(millis(&times, 0.99));
        all.add(times)?;
        appends.add(log.appends())?;
    }
    engine.stop();

    let (ack, limit) = (Spread::new(acks), Spread::new(limits));
    let best = report.machine.paced_limit(&limit);
    let alone = report.machine.sync_p99.as_secs_f64() * 1e3;
    report.add(Figure {
        name: "M2",
        what: format!("send to ack at {:.1} k/s, half of M1, p99", rate / 1e3),
        measured: format!(
            "{}; p50 {:.2}, p99.9 {:.2}; p99 of its appends alone {:.2}",
            ack.millis(),
            millis(&all, 0.5),
            millis(&all, 0.999),
            millis(&appends, 0.99)
        ),
        against: format!(
            "append + fdatasync each millisecond, p99 of the best round: {best:.2} ms (beside it {}); {alone:.2} if one \
             follows the other",
            limit.millis()
        ),
        ratio: ack.median() / best,
        goal: Goal::Times { goal: 3.0, at_most: 6.0 },
    });
    Ok(())
}
