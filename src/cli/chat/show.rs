//! What a person reads, and, with `--json`, what a program reads.

use std::io::{self, Write};

use serde_json::Value;

const DAY: u64 = 86_400_000;

/// Where a chat writes. Entries of the protocol and everything else are two things: with `--json` only the former go to
/// standard output.
pub trait Screen {
    /// An entry of the protocol.
    fn entry(&mut self, entry: &Value);
    /// A recent contact that was asked for.
    fn contact(&mut self, item: &Value);
    /// An own message is stored: its number here, and itself as an entry.
    fn stored(&mut self, number: usize, entry: &Value);
    /// Anything else, for people.
    fn note(&mut self, text: &str);
}

/// Lines for people.
pub struct Plain {
    me: String,
}

/// The protocol's entries, a line each; notes on standard error.
pub struct Json;

impl Plain {
    pub fn new(me: &str) -> Self {
        Self { me: me.to_owned() }
    }
}

impl Screen for Plain {
    fn entry(&mut self, entry: &Value) {
        // A receipt shows as the mark of the message that was read.
        if entry["type"] != "receipt" {
            line(&mut io::stdout(), &describe(&self.me, entry));
        }
    }

    fn contact(&mut self, item: &Value) {
        line(&mut io::stdout(), &contact(item));
    }

    fn stored(&mut self, number: usize, entry: &Value) {
        line(&mut io::stdout(), &format!("[{number}] ✓ stored {}", clock(&entry["time"])));
    }

    fn note(&mut self, text: &str) {
        line(&mut io::stdout(), text);
    }
}

impl Screen for Json {
    fn entry(&mut self, entry: &Value) {
        line(&mut io::stdout(), &entry.to_string());
    }

    fn contact(&mut self, item: &Value) {
        self.entry(item);
    }

    fn stored(&mut self, _number: usize, entry: &Value) {
        self.entry(entry);
    }

    fn note(&mut self, text: &str) {
        line(&mut io::stderr(), text);
    }
}

/// Nobody reads any more: that ends the input as well, so it is no error of its own.
fn line(out: &mut impl Write, text: &str) {
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// An entry in a line.
fn describe(me: &str, entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or("?");
    let yes = |name: &str| entry[name] == true;
    match entry["type"].as_str() {
        None => message(me, entry),
        Some("recall") => format!("      {} took back message {}", text("by"), text("key")),
        Some("modify") => format!("      {} changed message {}: {}", text("by"), text("key"), body(&entry["body"])),
        Some("delete") => format!("      messages with {} deleted", text("peer")),
        Some("read") => format!("      read up to {} with {}", clock(&entry["until"]), text("peer")),
        Some("recent") if yes("removed") => format!("      {} left the recent contacts", text("peer")),
        Some("relation") => {
            let change = match (text("kind"), yes("added")) {
                ("block", true) => "blocked",
                ("block", false) => "no longer blocked",
                (_, true) => "a friend",
                (_, false) => "no longer a friend",
            };
            format!("      {} is {change}", text("peer"))
        }
        Some("profile") => "      the profile changed".to_owned(),
        Some(other) => format!("      {other}: {entry}"),
    }
}

fn message(me: &str, entry: &Value) -> String {
    let (from, to) = (entry["from"].as_str().unwrap_or("?"), entry["to"].as_str().unwrap_or("?"));
    let whom = if from == me { format!("me > {to}") } else { from.to_owned() };
    let flag = |name: &str| entry["flags"][name] == true;
    let what = if flag("recalled") { "(taken back)".to_owned() } else { body(&entry["body"]) };
    let changed = if flag("modified") { " (changed)" } else { "" };
    format!("{} {whom}: {what}{changed}", clock(&entry["time"]))
}

/// A body as text; what is not text is named.
fn body(elements: &Value) -> String {
    let element = |element: &Value| match element["MsgType"].as_str() {
        Some("TIMTextElem") => element["MsgContent"]["Text"].as_str().unwrap_or_default().to_owned(),
        Some(kind) => format!("[{}]", kind.trim_start_matches("TIM").trim_end_matches("Elem").to_lowercase()),
        None => "[?]".to_owned(),
    };
    let elements = elements.as_array().map_or(&[][..], Vec::as_slice);
    elements.iter().map(element).collect::<Vec<_>>().join(" ")
}

/// A recent contact in a line.
pub fn contact(item: &Value) -> String {
    let unread = match item["unread"].as_u64() {
        Some(0) | None => String::new(),
        Some(unread) => format!(" ({unread} unread)"),
    };
    let last = item.get("last").map(|last| format!(": {}", body(&last["body"]))).unwrap_or_default();
    format!("{} {}{unread}{last}", clock(&item["time"]), item["peer"].as_str().unwrap_or("?"))
}

/// A time in Unix milliseconds as UTC: the hour of the day, and the date if it is not today's.
pub fn clock(millis: &Value) -> String {
    let Some(millis) = millis.as_u64() else { return "--:--:--Z".to_owned() };
    let seconds = millis % DAY / 1000;
    let hour = format!("{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let today = super::super::unix_seconds() * 1000 / DAY;
    if millis / DAY == today { hour } else { format!("{} {hour}", date(millis / DAY)) }
}

/// The date of a day since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(20_089), "2025-01-01");
    }

    #[test]
    fn an_entry_is_one_line() {
        let body = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "hi"}}, {"MsgType": "TIMCustomElem"}]);
        let entry = json!({"from": "bob", "to": "alice", "time": 1_000, "body": body});
        assert_eq!(describe("alice", &entry), "1970-01-01 00:00:01Z bob: hi [custom]");
        assert_eq!(describe("bob", &entry), "1970-01-01 00:00:01Z me > alice: hi [custom]");
        let block = json!({"type": "relation", "kind": "block", "peer": "bob", "added": true});
        assert_eq!(describe("alice", &block), "      bob is blocked");
    }
}
