use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::domain::dump::{DumpedRow, dump, dump_account};
use duolog::rebuild::caught_up;
use duolog::store::Store;
use duolog_topics::{Account, partition_of};

use crate::data::Data;

/// Print the rows that readers see, a line of JSON each; beside a running server: what it shows now
#[derive(Args)]
pub struct Dump {
    #[command(flatten)]
    data: Data,
    /// Only the mailbox of this account
    #[arg(long)]
    account: Option<Account>,
}

impl Dump {
    pub fn run(self) -> Result<ExitCode> {
        let log = self.data.log()?;
        let mut out = BufWriter::new(std::io::stdout().lock());
        let home = self.account.as_ref().map(|account| partition_of(account.as_bytes(), log.partitions()));
        for partition in (0..log.partitions()).filter(|partition| home.is_none_or(|home| home == *partition)) {
            let path = self.data.dir().state(partition);
            let place = || format!("the state in {} cannot be read", path.display());
            let flushed = Store::open_read_only(&path).with_context(place)?;
            let end = log.bounds(partition)?.high_watermark;
            let rows = caught_up(log.as_ref(), partition, &flushed, end)?;
            let mut failed = None;
            let mut print = |row: DumpedRow| match writeln!(out, "{row}") {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(Ok(()))
                }
            };
            match &self.account {
                Some(account) => dump_account(&rows, account, &mut print)?,
                None => dump(&rows, &mut print)?,
            }
            if let Some(error) = failed {
                return Err(error.into());
            }
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
