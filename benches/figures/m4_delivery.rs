//! M4: how long a message takes from when it was due to the device of whoever gets it, at half of M3's rate; against the
//! round trip of an echo and an append with `fdatasync`, both at that pace. The loads wait for nobody. Of the disk the
//! best counts, as in M2.

use anyhow::Result;
use hdrhistogram::Histogram;
use tokio::runtime::Runtime;

use crate::program::Program;
use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{machine, posts, scratch, sockets};

const PAIRS: u64 = 500;
const SECONDS: f64 = 8.0;
/// The rate if M3 was not measured in this run.
const RATE: f64 = 10_000.0;

pub fn measure(report: &mut Report) -> Result<()> {
    let rate = report.socket_sends.unwrap_or(2.0 * RATE) / 2.0;
    let sends = (rate * SECONDS) as u64;
    let millis = |times: &Histogram<u64>, part| times.value_at_quantile(part) as f64 / 1e6;
    let synced = (0..4).map(|_| machine::paced_p99(rate, SECONDS / 4.0)).collect::<Result<_>>()?;
    let synced = report.machine.paced_limit(&Spread::new(synced));
    let folder = scratch()?;
    let server = Program::server(folder.path())?;
    let delivered = Runtime::new()?.block_on(async {
        posts::import(server.address, 0..2 * PAIRS).await?;
        let senders = sockets::log_in(server.address, 0..PAIRS).await?;
        let listeners = sockets::log_in(server.address, PAIRS..2 * PAIRS).await?;
        let frame = |sender, number, due| sockets::send(number, PAIRS + sender, Some(due));
        sockets::open_loop(senders, listeners, sends, rate, frame).await
    })?;
    server.kill()?;
    let peer = Program::peer("echo")?;
    let echoed = Runtime::new()?.block_on(async {
        let senders = sockets::connect(peer.address, PAIRS).await?;
        let frame = |sender, number, due| sockets::send(number, PAIRS + sender, Some(due));
        sockets::open_loop(senders, Vec::new(), sends, rate, frame).await
    })?;
    let (echo, sync) = (millis(&echoed, 0.99), synced);
    let (found, limit) = (millis(&delivered, 0.99), echo + sync);
    report.add(Figure {
        name: "M4",
        what: format!("send to the peer's device at {:.1} k/s between {PAIRS} pairs, p99", rate / 1e3),
        measured: format!("{found:.2} ms (p50 {:.2}, p99.9 {:.2})", millis(&delivered, 0.5), millis(&delivered, 0.999)),
        against: format!("an echo's round trip p99 {echo:.2} ms and a sync's each millisecond {sync:.2} ms"),
        ratio: found / limit,
        goal: Goal::Times { goal: 2.0, at_most: 4.0 },
    });
    Ok(())
}
