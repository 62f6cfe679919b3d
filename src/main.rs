//! `duolog`: arguments, then the configuration, then the command.

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    duolog::pages::keep_small();
    duolog::pages::keep_freed();
    duolog::turns::keep_short();
    match cli::run(cli::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::say(format_args!("duolog: {}", cli::with_causes(&error)));
            ExitCode::from(error.exit_code())
        }
    }
}
