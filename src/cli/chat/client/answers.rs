//! Answers to requests.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Asked, Client, Leave, Out, Outs, kicked, list, text};
use crate::cli::chat::own::Fate;

impl Client {
    /// A request succeeded.
    pub(super) fn answered(&mut self, asked: Asked, ok: &Value, now: Instant) -> Outs {
        match asked {
            Asked::Login => self.logged_in(ok),
            Asked::Send(number) => self.stored(number, ok),
            Asked::Sync => self.synced(ok, now),
            Asked::History => {
                let mut outs = self.show(&ok["list"]);
                outs.push(Out::Note(
                    if ok["complete"] == true { "— all there is" } else { "— there is more" }.to_owned(),
                ));
                outs
            }
            Asked::Recent => list(&ok["list"]).iter().cloned().map(Out::Contact).collect(),
            Asked::Plain(done) => self.plain(done, ok),
            Asked::Quiet => vec![],
            Asked::Logout => vec![Out::Leave(Leave::Done)],
        }
    }

    /// A request failed.
    pub(super) fn refused(&mut self, asked: Asked, error: &Value, now: Instant) -> Outs {
        let retry = error["retry"] == true;
        let why = format!("{} {}: {}", error["code"], text(&error["name"]), text(&error["message"]));
        match asked {
            Asked::Login if retry => vec![Out::Reconnect(why)],
            Asked::Login if error.get("by").is_some() => {
                vec![Out::Leave(Leave::Sent(kicked(&error["name"], &error["by"])))]
            }
            Asked::Login => vec![Out::Leave(Leave::Sent(format!("login refused: {why}")))],
            Asked::Send(number) => {
                let Some(own) = self.own.get_mut(&number) else { return vec![] };
                if retry {
                    own.try_again_after(now, error["retry_after"].as_u64());
                    return vec![];
                }
                own.fate = Fate::Failed;
                vec![self.fail(format!("[{number}] ✗ failed: {why}"))]
            }
            Asked::Logout => vec![Out::Leave(Leave::Done)],
            Asked::Sync => vec![Out::Reconnect(why)],
            Asked::Quiet => vec![Out::Note(format!("✗ {why}"))],
            Asked::History | Asked::Recent | Asked::Plain(_) => vec![self.fail(format!("✗ {why}"))],
        }
    }

    fn logged_in(&mut self, ok: &Value) -> Outs {
        self.held = Some((ok["session"].clone(), ok["timeline"].clone()));
        self.cursor = ok["cursor"].as_u64().unwrap_or_default();
        if let Some(seconds) = ok["heartbeat"].as_u64() {
            self.heartbeat = Duration::from_secs(seconds);
        }
        match ok.get("gap") {
            Some(_) => vec![Out::Note("older messages are in the history only: /history PEER".to_owned())],
            None => vec![],
        }
    }

    fn stored(&mut self, number: usize, ok: &Value) -> Outs {
        let Some(own) = self.own.get_mut(&number) else { return vec![] };
        own.stored(text(&ok["key"]), ok["time"].as_u64().unwrap_or_default());
        vec![Out::Stored(number, own.entry(&self.identity.account, ok))]
    }

    /// The answer to a request that is done, or not for all accounts.
    fn plain(&mut self, done: String, ok: &Value) -> Outs {
        let failed = list(&ok["results"]).iter().filter(|result| result["code"] != 0);
        let why = |one: &Value| format!("✗ {}: {} {}", text(&one["account"]), one["code"], text(&one["message"]));
        let lines: Vec<String> = failed.map(why).collect();
        if lines.is_empty() { vec![Out::Note(done)] } else { vec![self.fail(lines.join("\n"))] }
    }
}
