use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::domain::dump::compare;
use duolog::rebuild::caught_up;

use crate::data::Data;
use crate::print::{counted, print};
use crate::rebuild::fold_fresh;

/// Compare the live state, row by row, with one that is folded anew from its base and the log; exit 0 only if they are
/// equal. Of a log on Kafka: the partitions whose state is in this data directory
#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    data: Data,
    /// Print at most so many differences
    #[arg(long, default_value_t = 100)]
    show: u64,
}

impl Verify {
    pub fn run(self) -> Result<ExitCode> {
        let (dir, log) = (self.data.dir()?, self.data.log()?);
        let scratch = tempfile::tempdir().context("a folder for the rebuild cannot be made")?;
        let (mut rows, mut differences) = (0, 0);
        let partitions = self.data.partitions(log.as_ref())?;
        for &partition in &partitions {
            let flushed = self.data.flushed(partition)?;
            let end = log.bounds(partition)?.high_watermark;
            let live = caught_up(log.as_ref(), partition, &flushed, end)?;
            let fresh = fold_fresh(&dir, log.as_ref(), partition, end, &scratch.path().join(partition.to_string()))?;
            let (mut shown, mut told) = (0, Ok(()));
            let compared = compare(&live, &fresh.view(), &mut |difference| {
                if shown < self.show {
                    told = print(format_args!("live <> rebuilt: {difference}"));
                }
                shown += 1;
                if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            told?;
            rows += compared.rows;
            differences += compared.differences;
        }
        if differences > 0 {
            print(format_args!("different: {differences} of {}", counted(rows, "row", "rows")))?;
            return Ok(ExitCode::FAILURE);
        }
        let all = counted(log.partitions().into(), "partition", "partitions");
        print(format_args!("equal: {}, {} of {all}", counted(rows, "row", "rows"), partitions.len()))?;
        Ok(ExitCode::SUCCESS)
    }
}
