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

/// Shows on a terminal how far something long has come; elsewhere it is silent.
pub struct Progress {
    what: &'static str,
    bar: Option<indicatif::ProgressBar>,
}

impl Progress {
    pub fn new(what: &'static str) -> Self {
        Self { what, bar: None }
    }

    /// `done` of `end` records of a partition.
    pub fn at(&mut self, partition: u32, done: u64, end: u64) {
        let what = self.what;
        let bar = self.bar.get_or_insert_with(|| {
            let style =
                indicatif::ProgressStyle::with_template("{msg} {bar:40} {human_pos}/{human_len} {per_sec} {eta}");
            let bar = indicatif::ProgressBar::new(end);
            match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        bar.set_message(format!("{what} (partition {partition})"));
        bar.set_length(end);
        bar.set_position(done);
    }

    pub fn done(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
