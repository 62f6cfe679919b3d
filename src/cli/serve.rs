use clap::Args;
use duolog::config::Config;
use duolog::{server, telemetry};

use super::{CliError, ConfigArguments};

/// Run the server; prints `listening on http://ADDR` when ready, SIGTERM drains and stops it
#[derive(Args)]
pub struct Serve {
    /// The address and port to listen on
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    #[command(flatten)]
    config: ConfigArguments,
}

impl Serve {
    pub fn run(self) -> Result<(), CliError> {
        telemetry::start();
        let mut layers = self.config.layers();
        layers.flags.extend(self.listen.map(|address| ("--listen", "server.listen", address)));
        let mut config = Config::load(&layers)?;
        let made = config.first_start()?;
        if !made.is_empty() {
            for file in &made {
                tracing::info!("first start: made {}", file.display());
            }
            config = Config::load(&layers)?;
        }
        Ok(server::run(config)?)
    }
}
