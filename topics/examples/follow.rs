//! Follows the embedded log in Rust: a line of `duolog-replay tail` is a record, its event the JSON form of a type here.
//!
//! ```text
//! ./duolog-replay tail --follow --kind message.sent | cargo run --release -p duolog-topics --example follow
//! ```

use std::io::{self, BufRead, Write};

use duolog_topics::{Account, MessageSent};
use serde::Deserialize;

/// What this reader needs of a line; serde passes over the rest.
#[derive(Deserialize)]
struct Record {
    time: String,
    kind: String,
    account: Account,
    event: serde_json::Value,
}

/// Prints who wrote to whom.
///
/// # Errors
/// If a line is no record, or nothing can be written.
pub fn follow(lines: impl BufRead, mut out: impl Write) -> io::Result<()> {
    for line in lines.lines() {
        let record: Record = serde_json::from_str(&line?)?;
        if record.kind == "message.sent" {
            let sent: MessageSent = serde_json::from_value(record.event)?;
            let elements: Vec<serde_json::Value> = sent.content.body.decode()?;
            let receivers: Vec<_> = sent.receivers.iter().map(Account::as_str).collect();
            writeln!(
                out,
                "{} {} -> {}: {} element(s)",
                record.time,
                record.account,
                receivers.join(", "),
                elements.len()
            )?;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    follow(io::stdin().lock(), io::stdout().lock())
}
