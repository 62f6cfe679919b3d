use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

/// Prints a line on standard output. A reader that has gone away is no failure: the exit code tells how it ended.
///
/// # Errors
/// If it cannot be written.
pub fn print(line: impl Display) -> io::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// So many of something, in words.
pub fn counted(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}
