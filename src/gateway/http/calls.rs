use metrics::{Counter, counter};

use super::commands::{ALL, Command};
use super::reply::Reply;
use crate::error::Code;

/// Counts calls by command and code.
const CALLS: &str = "duolog_server_api_calls_total";

/// The counters of calls. Those of success are kept, because finding one by its labels costs more than the rest of a small
/// call's bookkeeping.
pub struct Calls(Vec<Counter>);

impl Calls {
    pub fn new() -> Self {
        Self(ALL.iter().map(|command| counter!(CALLS, "command" => command.name(), "code" => "ok")).collect())
    }

    /// Counts a call by what it was answered; `None` for a command that there is not.
    pub fn count(&self, command: Option<&Command>, reply: &Reply) {
        match (command, reply.code()) {
            (Some(command), None) => self.0[command.place()].increment(1),
            (command, code) => {
                let (name, code) = (command.map_or("unknown", Command::name), code.map_or("ok", Code::name));
                counter!(CALLS, "command" => name, "code" => code).increment(1);
            }
        }
    }
}
