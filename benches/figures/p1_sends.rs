//! P1: the most acked sends a second whose 99th percentile stays within 50 ms, over the server API. The peer is not run
//! here: what stands beside it is the rate that the best open peer with the same promise (acked after the sync) was seen to
//! hold within that bound on a machine of two cores, from outside.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

use crate::program::{Program, target};
use crate::report::{Figure, Goal, Report};
use crate::{history, posts, scratch};

const BOUND: Duration = Duration::from_millis(50);
const PEER: f64 = 1_312.0;
/// One call at a time on each.
const CONNECTIONS: [u64; 5] = [64, 128, 256, 512, 1_024];
const SENDS: u64 = 60_000;

/// What so many connections sent, and how long answers took.
struct Held {
    connections: u64,
    rate: f64,
    p99: Duration,
}

pub fn measure(report: &mut Report) -> Result<()> {
    let folder = scratch()?;
    let server = Program::server(folder.path())?;
    let held = Runtime::new()?.block_on(async {
        posts::import(server.address, 0..history::PEOPLE).await?;
        // The first one warms up.
        let mut held = vec![send(server.address, 0, CONNECTIONS[0]).await?];
        for (round, connections) in (1..).zip(CONNECTIONS) {
            held.push(send(server.address, round, connections).await?);
        }
        Ok::<_, anyhow::Error>(held)
    })?;
    server.kill()?;
    let within = held.into_iter().skip(1).filter(|held| held.p99 <= BOUND);
    let best = within.max_by(|a, b| a.rate.total_cmp(&b.rate)).context("no rate stays within the bound")?;
    report.add(Figure {
        name: "P1",
        what: format!("acked `openim/sendmsg` within {} ms, p99, {} connections", BOUND.as_millis(), best.connections),
        measured: format!("{:.1} k/s, p99 {:.0} ms", best.rate / 1e3, best.p99.as_secs_f64() * 1e3),
        against: format!("what the best open peer held elsewhere (not run here): {:.1} k/s", PEER / 1e3),
        ratio: best.rate / PEER,
        goal: Goal::Share { goal: 30.0, at_least: 15.0 },
    });
    Ok(())
}

async fn send(address: SocketAddr, round: u64, connections: u64) -> Result<Held> {
    let each = SENDS / connections;
    let body = move |client: u64, number: u64| {
        let id = (round * SENDS) + client * each + number;
        let (from, message) = history::message(id);
        let (to, random, body) = (&message.receivers[0], id as u32, message.content.body.as_str());
        format!(r#"{{"From_Account":"{from}","To_Account":"{to}","MsgRandom":{random},"MsgBody":{body}}}"#)
    };
    let (taken, times) = posts::closed_loop(address, &target("openim/sendmsg")?, connections, each, body).await?;
    let p99 = Duration::from_nanos(times.value_at_quantile(0.99));
    Ok(Held { connections, rate: (connections * each) as f64 / taken.as_secs_f64(), p99 })
}
