//! Messages that this process sends: from the typed line until they are read, taken back, or refused.

use std::time::{Duration, Instant};

use duolog_topics::Account;
use serde_json::{Value, json};

use super::super::random_u32;

/// How long a refused send waits that may be tried again, if the gateway does not say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How far a message has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// No answer yet. If the link is lost, whether it was stored is unknown until the next catch-up.
    Sending,
    Stored {
        key: String,
        time: u64,
    },
    Read {
        key: String,
        time: u64,
    },
    Failed,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Own {
    pub to: Account,
    pub text: String,
    /// With `to` and `msg_seq`, what makes a second try the same send.
    random: u32,
    /// The message's number in this chat.
    msg_seq: usize,
    pub fate: Fate,
    /// When to try again, after an answer that allows it.
    again: Option<Instant>,
}

impl Own {
    pub fn new(number: usize, to: Account, text: String) -> Self {
        Self { to, text, random: random_u32(), msg_seq: number, fate: Fate::Sending, again: None }
    }

    pub fn body(&self) -> Value {
        json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": self.text}}])
    }

    /// The arguments of `send`: the same at every try.
    pub fn arguments(&self) -> Value {
        json!({"to": self.to.as_str(), "random": self.random, "msg_seq": self.msg_seq, "body": self.body()})
    }

    /// The message as the protocol's entry, as the answer to `send` completes it: the same that the catch-up of another
    /// device holds.
    pub fn entry(&self, from: &Account, stored: &Value) -> Value {
        let mut entry = json!({
            "key": stored["key"], "from": from.as_str(), "to": self.to.as_str(), "time": stored["time"],
            "body": stored.get("body").cloned().unwrap_or_else(|| self.body()),
            "random": self.random, "msg_seq": self.msg_seq, "origin": "client", "flags": {}, "peer_read": false,
        });
        for name in ["seq", "custom"] {
            if let Some(value) = stored.get(name) {
                entry[name] = value.clone();
            }
        }
        entry
    }

    /// Whether an entry of the catch-up is this message, which had no answer.
    pub fn is_sending_as(&self, entry: &Value) -> bool {
        self.fate == Fate::Sending && entry["random"] == self.random && entry["to"] == self.to.as_str()
    }

    pub fn stored(&mut self, key: &str, time: u64) {
        self.fate = Fate::Stored { key: key.to_owned(), time };
    }

    /// Notes that the peer has read it: up to a time, or just these keys. `true` if that is news.
    pub fn read(&mut self, peer: &str, until: Option<u64>, keys: &[&str]) -> bool {
        let Fate::Stored { key, time } = &self.fate else { return false };
        let read = until.is_some_and(|until| *time <= until) || keys.contains(&key.as_str());
        if self.to.as_str() != peer || !read {
            return false;
        }
        self.fate = Fate::Read { key: key.clone(), time: *time };
        true
    }

    /// The message's key, once it is stored.
    pub fn key(&self) -> Option<&str> {
        match &self.fate {
            Fate::Stored { key, .. } | Fate::Read { key, .. } => Some(key),
            Fate::Sending | Fate::Failed => None,
        }
    }

    pub fn try_again_after(&mut self, now: Instant, retry_after: Option<u64>) {
        self.again = Some(now + retry_after.map_or(RETRY_AFTER, Duration::from_millis));
    }

    /// Whether it is time to try again; says so once.
    pub fn due(&mut self, now: Instant) -> bool {
        let due = self.again.is_some_and(|again| again <= now);
        if due {
            self.again = None;
        }
        due
    }
}
