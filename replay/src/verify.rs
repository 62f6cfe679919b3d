use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::domain::dump::compare;
use duolog::rebuild::caught_up;
use duolog::store::Store;

use crate::data::Data;
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
            let path = dir.state(partition);
            let place = || format!("the state in {} cannot be read", path.display());
            let flushed = Store::open_read_only(&path).with_context(place)?;
            let end = log.bounds(partition)?.high_watermark;
            let live = caught_up(log.as_ref(), partition, &flushed, end)?;
            let fresh = fold_fresh(&dir, log.as_ref(), partition, end, &scratch.path().join(partition.to_string()))?;
            let mut shown = 0;
            let compared = compare(&live, &fresh.view(), &mut |difference| {
                if shown < self.show {
                    println!("live <> rebuilt: {difference}");
                }
                shown += 1;
                ControlFlow::Continue(())
            })?;
            rows += compared.rows;
            differences += compared.differences;
        }
        if differences > 0 {
            println!("different: {differences} of {rows} rows");
            return Ok(ExitCode::FAILURE);
        }
        println!("equal: {rows} rows, {} of {} partitions", partitions.len(), log.partitions());
        Ok(ExitCode::SUCCESS)
    }
}
