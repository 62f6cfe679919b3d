//! M3h: acked sends a second over the server API on connections that stay, against a handler of the same framework that
//! parses the same JSON and answers.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::m3_websocket::CONNECTIONS;
use crate::program::{Program, target};
use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{history, posts, scratch};

const EACH: u64 = 60;
const ROUNDS: u64 = 3;

pub fn measure(report: &mut Report) -> Result<()> {
    let folder = scratch()?;
    let server = Program::server(folder.path())?;
    let acked = Runtime::new()?.block_on(async {
        posts::import(server.address, 0..2 * CONNECTIONS).await?;
        rates(server.address).await
    })?;
    server.kill()?;
    let peer = Program::peer("parse")?;
    let parsed = Runtime::new()?.block_on(rates(peer.address))?;
    report.add(Figure {
        name: "M3h",
        what: format!("acked `openim/sendmsg` over {CONNECTIONS} connections that stay, one in flight each"),
        measured: acked.to_string(),
        against: format!("the same bodies parsed and answered by axum: {parsed}"),
        ratio: acked.median() / parsed.median(),
        goal: Goal::Share { goal: 0.6, at_least: 0.3 },
    });
    Ok(())
}

async fn rates(address: SocketAddr) -> Result<Spread> {
    let target = target("openim/sendmsg")?;
    let mut rates = Vec::new();
    for round in 0..=ROUNDS {
        let body = move |client: u64, number: u64| {
            let id = (round * EACH + number) * CONNECTIONS + client;
            let (from, to) = (history::person(client), history::person(CONNECTIONS + client));
            let body = history::message_to(to.clone(), id).content.body;
            let random = id as u32;
            let body = body.as_str();
            format!(r#"{{"From_Account":"{from}","To_Account":"{to}","MsgRandom":{random},"MsgBody":{body}}}"#)
        };
        let (taken, _) = posts::closed_loop(address, &target, CONNECTIONS, EACH, body).await?;
        // The first round warms up.
        if round > 0 {
            rates.push((CONNECTIONS * EACH) as f64 / taken.as_secs_f64());
        }
    }
    Ok(Spread::new(rates))
}
