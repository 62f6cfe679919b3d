//! What a program tells its operator. Logs: one line an event, on standard error, filtered by `RUST_LOG`.

pub mod metrics;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

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
        .with_target(false)
        // It would say so on standard error, and panic, because that is what cannot be written.
        .log_internal_errors(false);
    // An embedding program may have set its own subscriber: then its own logs are the right place.
    let _ = subscriber.try_init();
}

/// Says something on standard error, a line. Where that cannot be written nobody hears it, and the work counts all the same.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// An error and what caused it, on one line.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors repeat their cause in their own words.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(with_causes(&full()), "no storage space");
        let told = crate::dir_lock::LockError::Failed { path: "d".into(), source: full() };
        assert_eq!(with_causes(&told), "d cannot be locked: no storage space");
        let untold = crate::store::StoreError::Files { path: "d".into(), source: full() };
        assert_eq!(with_causes(&untold), "folder d cannot be used: no storage space");
    }
}
