//! R1: from a kill to the first acked send, with a log that was folded before; against a scan of that log.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use duolog::log::{EmbeddedLog, Log, ReadLimit};
use tokio::runtime::Runtime;

use crate::posts::Http;
use crate::program::{Program, target};
use crate::report::{Figure, Goal, Report};
use crate::{history, posts, scratch};

const MESSAGES: u64 = 5_000_000;
/// Sent after the start and before the kill: nobody knows when it comes.
const SENT: u64 = 20_000;
const CONNECTIONS: u64 = 100;

pub fn measure(report: &mut Report) -> Result<()> {
    let folder = scratch()?;
    let log = folder.path().join("data").join("log");
    std::fs::create_dir_all(folder.path().join("data"))?;
    drop(history::log(&log, MESSAGES)?);
    let runtime = Runtime::new()?;
    let server = Program::server(folder.path())?;
    let sendmsg = target("openim/sendmsg")?;
    let last = runtime.block_on(posts::closed_loop(server.address, &sendmsg, CONNECTIONS, SENT / CONNECTIONS, body));
    last?;
    server.kill()?;
    let start = Instant::now();
    let server = Program::server(folder.path())?;
    runtime.block_on(async { Http::connect(server.address).await?.post(&sendmsg, &body(0, SENT)).await })?;
    let back = start.elapsed();
    server.kill()?;
    let scan = scan(&log)?;
    report.add(Figure {
        name: "R1",
        what: format!("kill to the first acked send, {MESSAGES} messages in the log, the last {SENT} just sent"),
        measured: format!("{:.2} s", back.as_secs_f64()),
        against: format!("a scan of the log: {:.2} s", scan.as_secs_f64()),
        ratio: back.as_secs_f64() / scan.as_secs_f64(),
        goal: Goal::Times { goal: 0.1, at_most: 0.3 },
    });
    Ok(())
}

fn body(client: u64, number: u64) -> String {
    let (from, to) = (history::person(client), history::person(client + 1));
    let id = client << 32 | number;
    let body = history::message_to(to.clone(), id).content.body;
    let (random, body) = (number, body.as_str());
    format!(r#"{{"From_Account":"{from}","To_Account":"{to}","MsgRandom":{random},"MsgBody":{body}}}"#)
}

fn scan(path: &std::path::Path) -> Result<Duration> {
    let log = EmbeddedLog::open(path, 1)?;
    let start = Instant::now();
    let (mut next, end) = (0, log.bounds(0)?.high_watermark);
    while next < end {
        let read = log.read(0, next, ReadLimit { records: 4_096, bytes: usize::MAX })?;
        ensure!(!read.is_empty(), "nothing at {next} of {end}");
        next += read.len() as u64;
    }
    Ok(start.elapsed())
}
