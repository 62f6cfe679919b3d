//! M8: memory of a connection that is logged in and idle, against one that was only accepted.

use anyhow::Result;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::program::{self, Program};
use crate::report::{Figure, Goal, Report};
use crate::{posts, scratch, sockets};

const CONNECTIONS: u64 = 10_000;
/// Files that both sides have open besides.
const OTHER_FILES: u64 = 200;

pub fn measure(report: &mut Report) -> Result<()> {
    program::open_files(CONNECTIONS + OTHER_FILES)?;
    let runtime = Runtime::new()?;
    let folder = scratch()?;
    let server = Program::server(folder.path())?;
    let logged_in = runtime.block_on(async {
        posts::import(server.address, 0..CONNECTIONS).await?;
        // What the first connections bring along is not theirs.
        let first = sockets::log_in(server.address, 0..100).await?;
        let before = server.memory()?;
        let others = sockets::log_in(server.address, 100..CONNECTIONS).await?;
        let grown = server.memory()?.saturating_sub(before) as f64 / others.len() as f64;
        drop((first, others));
        Ok::<_, anyhow::Error>(grown / 1024.0)
    })?;
    server.kill()?;
    let peer = Program::peer("accept")?;
    let accepted = runtime.block_on(async {
        let before = peer.memory()?;
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            held.push(TcpStream::connect(peer.address).await?);
        }
        let grown = peer.memory()?.saturating_sub(before) as f64 / held.len() as f64;
        Ok::<_, anyhow::Error>(grown / 1024.0)
    })?;
    report.add(Figure {
        name: "M8",
        what: format!("memory of one of {CONNECTIONS} connections, logged in and idle"),
        measured: format!("{logged_in:.1} KiB, with its rows"),
        against: format!("the same sockets accepted and held: {accepted:.1} KiB"),
        ratio: logged_in - accepted,
        goal: Goal::KibibytesMore { goal: 6.0, at_most: 12.0 },
    });
    Ok(())
}
