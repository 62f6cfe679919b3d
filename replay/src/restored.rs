use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use duolog::domain::verdict::Verdict;
use duolog::engine::Engine;
use duolog::telemetry::say;
use duolog_topics::LogRestored;

use crate::data::Data;
use crate::owner::Owner;
use crate::print::counted;

/// Record that the log was put back from a backup, so that clients drop cursors that no longer mean the same; every server
/// has to be stopped
#[derive(Args)]
pub struct Restored {
    #[command(flatten)]
    data: Data,
}

impl Restored {
    pub fn run(self) -> Result<ExitCode> {
        let owner = Owner::take(&self.data)?;
        let count = owner.runtime.block_on(record(&owner.engine))?;
        drop(owner.leave());
        let times = counted(count.into(), "time", "times");
        say(format_args!("recorded in every partition: the log was put back, {times} in all"));
        Ok(ExitCode::SUCCESS)
    }
}

/// One number for all partitions: one that missed an earlier time, because that was broken off, has it from now on.
async fn record(engine: &Engine) -> Result<u32> {
    let taps = engine.taps();
    let count = taps.iter().map(|tap| tap.meta().restored).max().unwrap_or(0) + 1;
    for tap in &taps {
        let verdict = tap.submit(LogRestored { count }.into()).await?;
        if !matches!(verdict, Verdict::Applied(_)) {
            bail!("partition {}: another process owns the log; stop it, and try again", tap.partition());
        }
    }
    Ok(count)
}
