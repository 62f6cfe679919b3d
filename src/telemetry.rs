//! Logs: one line an event, on standard error, filtered by `RUST_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Starts logging for this process; a second call changes nothing. `RUST_LOG` takes directives such as
/// `duolog::engine=debug`; without it, `info` and above is shown.
pub fn start() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // An embedding program may have set its own subscriber: then its own logs are the right place.
    let _ = subscriber.try_init();
}
