//! The commands of `duolog`, one file each.

mod chat;
mod config;
mod error;
mod send;
mod serve;
mod usersig;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use duolog::config::{Config, ConfigError, Layers};

pub use duolog::telemetry::{say, with_causes};
pub use error::CliError;

/// A one-to-one message engine on an event log.
#[derive(Parser)]
#[command(name = "duolog", version, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Usersig(usersig::Usersig),
    Send(send::Send),
    Chat(chat::Chat),
    Config(config::PrintConfig),
}

/// Where the configuration is; every command takes these.
#[derive(Args, Clone, Debug)]
struct ConfigArguments {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

impl ConfigArguments {
    /// The layers of the configuration: this process's environment, and these flags.
    fn layers(&self) -> Layers {
        let data = self.data.iter().map(|dir| ("--data", "data.dir", dir.clone()));
        // A variable that is not UTF-8 has no name of ours, or a value that no key takes.
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let environment = environment.map(|(name, value)| (name, value.to_string_lossy().into_owned()));
        Layers { file: self.config.clone(), environment: environment.collect(), flags: data.collect() }
    }

    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.layers())
    }
}

/// Runs the command that was asked for, to its end.
///
/// # Errors
/// If the command could not do its work; `main` prints it.
pub fn run(arguments: Arguments) -> Result<(), CliError> {
    match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Usersig(usersig) => usersig.run(),
        Command::Send(send) => send.run(),
        Command::Chat(chat) => chat.run(),
        Command::Config(config) => config.run(),
    }
}

/// Prints to standard output. A reader that has gone away (`duolog config | head`) is no failure.
fn print(text: &str) -> Result<(), CliError> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::Io { doing: "standard output cannot be written".to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// The runtime of a command that talks to a server: one thread is plenty.
fn small_runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::Io { doing: "the runtime cannot be started".to_owned(), source })
}

/// Unix time in seconds.
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// A number that two sends do not share: the idempotency key of a message needs no more.
fn random_u32() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    // Keys of a `RandomState` come from the system and differ each time one is made.
    RandomState::new().build_hasher().finish() as u32
}
