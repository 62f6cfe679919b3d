use clap::Args;
use duolog::config::Config;
use duolog::gateway::listener::TlsError;
use duolog::server::{self, ServerError};
use duolog::telemetry;

use super::{CliError, ConfigArguments, with_causes};

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
        for file in Config::load(&layers)?.first_start()? {
            tracing::info!("first start: made {}", file.display());
        }
        let config = Config::load(&layers)?;
        server::run(config.clone()).map_err(|error| failed(&config, error))
    }
}

/// Why the server ended. A certificate or key that is of no use is a mistake of the configuration, and names its key.
fn failed(config: &Config, error: ServerError) -> CliError {
    match error {
        ServerError::Tls(error) => config.error(tls_key(config, &error), with_causes(&error)).into(),
        error => error.into(),
    }
}

/// The key of the file that TLS cannot use; of two that do not fit together, the certificate's.
fn tls_key(config: &Config, error: &TlsError) -> &'static str {
    match error {
        TlsError::Pem { path, .. } if config.server.tls_key.as_ref() == Some(path) => "server.tls_key",
        _ => "server.tls_cert",
    }
}
