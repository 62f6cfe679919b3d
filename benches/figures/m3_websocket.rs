//! M3: acked sends a second over WebSockets, against a server of the same framework that sends each frame back. Both are
//! processes of their own; the clients are the same, and each waits for its answer before it sends again.

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::program::Program;
use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{posts, scratch, sockets};

pub const CONNECTIONS: u64 = 1_000;
const EACH: u64 = 60;
const ROUNDS: u64 = 3;

pub fn measure(report: &mut Report) -> Result<()> {
    let folder = scratch()?;
    let server = Program::server(folder.path())?;
    let (acked, p99) = Runtime::new()?.block_on(async {
        posts::import(server.address, 0..2 * CONNECTIONS).await?;
        rates(sockets::log_in(server.address, 0..CONNECTIONS).await?).await
    })?;
    server.kill()?;
    let peer = Program::peer("echo")?;
    let (echoed, _) =
        Runtime::new()?.block_on(async { rates(sockets::connect(peer.address, CONNECTIONS).await?).await })?;
    report.socket_sends = Some(acked.median());
    report.add(Figure {
        name: "M3",
        what: format!("acked sends over {CONNECTIONS} WebSockets to people who are away, one in flight each"),
        measured: format!("{acked}, p99 {p99:.0} ms"),
        against: format!("the same frames echoed by axum: {echoed}"),
        ratio: acked.median() / echoed.median(),
        goal: Goal::Share { goal: 0.5, at_least: 0.25 },
    });
    Ok(())
}

/// Answers a second, and the 99th percentile of what an answer took in the last round, in milliseconds.
async fn rates(mut clients: Vec<sockets::Socket>) -> Result<(Spread, f64)> {
    let (mut rates, mut p99) = (Vec::new(), 0.0);
    for round in 0..=ROUNDS {
        let frame = move |client: u64, number: u64| {
            let id = (round * EACH + number) * CONNECTIONS + client;
            sockets::send(id, CONNECTIONS + client, None)
        };
        let (taken, times, again) = sockets::closed_loop(clients, EACH, frame).await?;
        clients = again;
        p99 = times.value_at_quantile(0.99) as f64 / 1e6;
        // The first round warms up.
        if round > 0 {
            rates.push((CONNECTIONS * EACH) as f64 / taken.as_secs_f64());
        }
    }
    Ok((Spread::new(rates), p99))
}
