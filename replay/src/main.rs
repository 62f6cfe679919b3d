//! `duolog-replay`: what an operator reads from a log, and how he checks that state and log agree.
//!
//! Exit codes: 0 done (for `verify`: equal), 1 failed or different, 2 wrong usage or configuration.

mod checkpoint;
mod data;
mod dump;
mod export;
mod lag;
mod migrate;
mod owner;
mod place;
mod print;
mod rebuild;
mod redeliver;
mod restored;
mod scratch;
mod tail;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use duolog::telemetry::{say, with_causes};

#[derive(Parser)]
#[command(name = "duolog-replay", version, about = "Reads a duolog log again")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    #[command(subcommand)]
    Checkpoint(checkpoint::Checkpoint),
    Tail(tail::Tail),
    Dump(dump::Dump),
    Export(export::Export),
    Lag(lag::Lag),
    Migrate(migrate::Migrate),
    Redeliver(redeliver::Redeliver),
    Rebuild(rebuild::Rebuild),
    Restored(restored::Restored),
    Verify(verify::Verify),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().verb {
        Verb::Checkpoint(verb) => verb.run(),
        Verb::Tail(verb) => verb.run(),
        Verb::Dump(verb) => verb.run(),
        Verb::Export(verb) => verb.run(),
        Verb::Lag(verb) => verb.run(),
        Verb::Migrate(verb) => verb.run(),
        Verb::Redeliver(verb) => verb.run(),
        Verb::Rebuild(verb) => verb.run(),
        Verb::Restored(verb) => verb.run(),
        Verb::Verify(verb) => verb.run(),
    };
    match result {
        Ok(code) => code,
        // Whoever reads our output has gone, as `head` does: nothing is wrong.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("duolog-replay: {}", with_causes(&*error)));
            let configuration = error.chain().any(|cause| cause.is::<duolog::config::ConfigError>());
            if configuration { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}
