use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use duolog::data_dir::DataDir;
use duolog::log::Log;
use duolog::log::embedded::ReadOnlyLog;
use duolog::rebuild::Watch;
use indicatif::{ProgressBar, ProgressStyle};

/// Where the data is.
#[derive(Args)]
pub struct Data {
    /// The server's data directory
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// The folder of its checkpoints, if it is not in the data directory
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
}

impl Data {
    pub fn dir(&self) -> DataDir {
        DataDir::new(&self.data, self.checkpoints.as_deref())
    }

    /// The log, for reading: also beside a running server.
    pub fn log(&self) -> Result<Arc<dyn Log>> {
        let path = self.dir().log();
        let log = ReadOnlyLog::open(&path).with_context(|| format!("the log in {} cannot be read", path.display()))?;
        Ok(Arc::new(log))
    }
}

/// Shows on a terminal how far a fold has come.
pub struct Progress {
    bar: ProgressBar,
    from: u64,
}

impl Progress {
    pub fn new(what: &'static str, from: u64, end: u64) -> Self {
        let bar = ProgressBar::new(end.saturating_sub(from)).with_message(what);
        let template = "{msg} {bar:40} {human_pos}/{human_len} records {per_sec} {eta}";
        Self {
            bar: bar
                .with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())),
            from,
        }
    }
}

impl Watch for Progress {
    fn committed(&mut self, _partition: u32, next: u64, _end: u64) {
        self.bar.set_position(next - self.from);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
