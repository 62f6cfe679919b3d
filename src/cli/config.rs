use clap::Args;

use super::{CliError, ConfigArguments, print};

/// Print the effective configuration, secrets masked, with where each value came from
#[derive(Args)]
pub struct PrintConfig {
    #[command(flatten)]
    config: ConfigArguments,
}

impl PrintConfig {
    pub fn run(self) -> Result<(), CliError> {
        print(&self.config.load()?.print())
    }
}
