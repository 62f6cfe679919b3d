use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use duolog::domain::dump::{DumpedRow, dump, dump_account};
use duolog::domain::rows::Rows;
use duolog::log::Log;
use duolog::rebuild::caught_up;
use duolog_topics::{Account, partition_of};

use crate::data::Data;
use crate::place::Place;
use crate::rebuild::fold_fresh;

/// Print the rows that readers see, a line of JSON each; beside a running server: what it shows now
#[derive(Args)]
pub struct Dump {
    #[command(flatten)]
    data: Data,
    /// Only the mailbox of this account
    #[arg(long)]
    account: Option<Account>,
    /// What readers saw before this record: an offset or a time. The log is folded up to there
    #[arg(long, value_name = "OFFSET|TIME")]
    until: Option<Place>,
}

impl Dump {
    pub fn run(self) -> Result<ExitCode> {
        let log = self.data.log()?;
        let mut out = BufWriter::new(std::io::stdout().lock());
        let home = self.account.as_ref().map(|account| partition_of(account.as_bytes(), log.partitions()));
        for partition in (0..log.partitions()).filter(|partition| home.is_none_or(|home| home == *partition)) {
            match self.until {
                None => self.now(log.as_ref(), partition, &mut out)?,
                Some(until) => self.then(log.as_ref(), partition, until, &mut out)?,
            }
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    /// What the server shows: what it has flushed, and what it has folded since.
    fn now(&self, log: &dyn Log, partition: u32, out: &mut dyn Write) -> Result<()> {
        let flushed = self.data.flushed(partition)?;
        let end = log.bounds(partition)?.high_watermark;
        self.print(&caught_up(log, partition, &flushed, end)?, out)
    }

    /// What it showed at some time: a fold from the base up to there.
    fn then(&self, log: &dyn Log, partition: u32, until: Place, out: &mut dyn Write) -> Result<()> {
        let end = until.offset(log, partition)?;
        let scratch = tempfile::tempdir().context("a folder for the fold cannot be made")?;
        let store = fold_fresh(&self.data.dir()?, log, partition, end, &scratch.path().join("state"))?;
        let reached = store.applied().map_or(0, |applied| applied.next);
        if reached > end {
            bail!(
                "partition {partition}: what was before offset {reached} cannot be told any more: the log was trimmed"
            );
        }
        self.print(&store.view(), out)
    }

    fn print(&self, rows: &dyn Rows, out: &mut dyn Write) -> Result<()> {
        let mut failed = None;
        let mut print = |row: DumpedRow| match writeln!(out, "{row}") {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(Ok(()))
            }
        };
        match &self.account {
            Some(account) => dump_account(rows, account, &mut print)?,
            None => dump(rows, &mut print)?,
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}
