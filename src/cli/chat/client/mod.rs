//! The client as a state machine without I/O: frames, typed lines and time go in; frames and what to show come out.

mod answers;
mod commands;
mod feed;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use duolog_topics::Account;
use serde_json::{Value, json};

use super::own::{Fate, Own};
use super::show::clock;
use super::typed::Typed;

/// A request unanswered for so long counts as a lost link.
const ANSWER: Duration = Duration::from_secs(15);
/// Requests that wait for answers at most; the protocol allows 256.
const IN_FLIGHT: usize = 128;

/// What the client wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum Out {
    Frame(Value),
    /// Show an entry of the protocol.
    Entry(Value),
    /// Show a recent contact.
    Contact(Value),
    /// An own message was stored: its number, and itself as an entry.
    Stored(usize, Value),
    /// Show a line that is no part of the protocol.
    Note(String),
    /// The link is of no use any more; make a new one.
    Reconnect(String),
    Leave(Leave),
}

/// How a chat ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Leave {
    /// The input ended and everything is answered.
    Done,
    /// The gateway does not want this client any more.
    Sent(String),
}

/// What a request asked, to understand its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Asked {
    Login,
    Send(usize),
    Sync,
    History,
    Recent,
    /// Anything whose success is told by one line.
    Plain(String),
    /// An answer that nobody waits for.
    Quiet,
    Logout,
}

impl Asked {
    /// Whether a person asked it with a command.
    fn is_command(&self) -> bool {
        matches!(self, Self::History | Self::Recent | Self::Plain(_))
    }
}

/// Who signs in, and how.
pub struct Identity {
    pub account: Account,
    pub platform: String,
    pub device: String,
    /// Makes a signature; asked at every login, so that a long chat outlives its first one.
    pub sign: Box<dyn Fn() -> String>,
}

/// One chat, over as many links as it takes.
pub struct Client {
    identity: Identity,
    /// The session and timeline of the login before; a terminal holds its copy on the screen.
    held: Option<(Value, Value)>,
    cursor: u64,
    /// The catch-up of this link is complete.
    live: bool,
    heartbeat: Duration,
    next_id: u64,
    waiting: BTreeMap<u64, (Asked, Instant)>,
    own: BTreeMap<usize, Own>,
    /// Whom `--to` or `/to` named.
    to: Option<Account>,
    /// Who wrote last.
    last: Option<Account>,
    /// A command that waits until everything before it is answered.
    next: Option<Typed>,
    input_ended: bool,
    /// See [`Self::failed`].
    failed: usize,
}

type Outs = Vec<Out>;

impl Client {
    pub fn new(identity: Identity, to: Option<Account>) -> Self {
        Self {
            identity,
            held: None,
            cursor: 0,
            live: false,
            heartbeat: Duration::from_secs(25),
            next_id: 1,
            waiting: BTreeMap::new(),
            own: BTreeMap::new(),
            to,
            last: None,
            next: None,
            input_ended: false,
            failed: 0,
        }
    }

    /// How many typed lines came to nothing: not understood, without a receiver, or refused.
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// Whether a typed line may come in now; if not, it waits. Messages follow each other without a pause; around a
    /// command they do not, so that `/history` shows what stands above it, and `/block` holds for what stands below it.
    pub fn takes_input(&self) -> bool {
        let command = self.next.is_some() || self.waiting.values().any(|(asked, _)| asked.is_command());
        self.live && self.waiting.len() < IN_FLIGHT && !command && !self.input_ended
    }

    /// How long a silent link is believed: three heartbeats and 15 s.
    pub fn silence(&self) -> Duration {
        self.heartbeat * 3 + Duration::from_secs(15)
    }

    /// A link stands: log in, with the session of the link before if there was one.
    pub fn connected(&mut self, now: Instant) -> Outs {
        self.waiting.clear();
        self.live = false;
        let identity = &self.identity;
        let mut args = json!({
            "account": identity.account.as_str(), "user_sig": (identity.sign)(),
            "platform": identity.platform, "device": identity.device,
            "client": {"name": "duolog chat", "version": env!("CARGO_PKG_VERSION")},
        });
        if let Some((session, timeline)) = &self.held {
            args["session"] = session.clone();
            args["timeline"] = timeline.clone();
            args["cursor"] = self.cursor.into();
        }
        vec![self.ask("login", args, Asked::Login, now)]
    }

    /// A frame of the gateway.
    pub fn frame(&mut self, frame: &Value, now: Instant) -> Outs {
        let data = &frame["data"];
        match frame["push"].as_str() {
            Some("messages") => self.messages(data, now),
            Some("recent_contacts") => self.recent_contacts(data),
            Some("refresh") => self.refresh(data, now),
            Some("kicked") => vec![Out::Leave(Leave::Sent(kicked(&data["reason"], &data["by"])))],
            Some("expiring") => {
                let args = json!({"user_sig": (self.identity.sign)()});
                vec![self.ask("renew", args, Asked::Quiet, now)]
            }
            Some(_) => vec![],
            None => self.reply(frame, now),
        }
    }

    /// A line was typed. Call it only while [`Self::takes_input`].
    pub fn typed(&mut self, line: &str, now: Instant) -> Outs {
        let typed = match Typed::parse(line) {
            Ok(Some(typed)) => typed,
            Ok(None) => return vec![],
            Err(problem) => return vec![self.fail(problem)],
        };
        if typed.is_command() && self.is_sending() {
            self.next = Some(typed);
            return vec![];
        }
        self.act(typed, now).unwrap_or_else(|problem| vec![self.fail(problem)])
    }

    /// What was typed next cannot be read, and neither can what is behind it.
    pub fn unreadable(&mut self, why: &str) -> Outs {
        vec![self.fail(format!("the input cannot be read: {why}"))]
    }

    /// Nothing more will be typed: leave as soon as everything is answered.
    pub fn input_ended(&mut self, now: Instant) -> Outs {
        self.input_ended = true;
        self.leave_if_done(now).into_iter().collect()
    }

    /// Time passed; call it about once a second.
    pub fn tick(&mut self, now: Instant) -> Outs {
        if self.waiting.values().any(|(_, since)| now.duration_since(*since) >= ANSWER) {
            return vec![Out::Reconnect("no answer for 15 s".to_owned())];
        }
        if !self.live {
            return vec![];
        }
        let due: Vec<usize> = self.own.iter_mut().filter_map(|(number, own)| own.due(now).then_some(*number)).collect();
        due.into_iter().map(|number| self.send(number, now)).collect()
    }

    fn ask(&mut self, op: &str, args: Value, asked: Asked, now: Instant) -> Out {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.insert(id, (asked, now));
        Out::Frame(json!({"id": id, "op": op, "args": args}))
    }

    fn reply(&mut self, frame: &Value, now: Instant) -> Outs {
        let Some((asked, _)) = frame["id"].as_u64().and_then(|id| self.waiting.remove(&id)) else { return vec![] };
        let mut outs = match frame.get("ok") {
            Some(ok) => self.answered(asked, ok, now),
            None => self.refused(asked, &frame["error"], now),
        };
        if !outs.iter().any(|out| matches!(out, Out::Leave(_))) {
            outs.extend(self.go_on(now));
        }
        outs
    }

    /// Something was answered: the command that waited may go out, or the end of the input may be told.
    fn go_on(&mut self, now: Instant) -> Outs {
        match self.next.take_if(|_| self.live && !self.own.values().any(|own| own.fate == Fate::Sending)) {
            Some(typed) => self.act(typed, now).unwrap_or_else(|problem| vec![self.fail(problem)]),
            None => self.leave_if_done(now).into_iter().collect(),
        }
    }

    /// A typed line came to nothing; the note says why.
    fn fail(&mut self, why: String) -> Out {
        self.failed += 1;
        Out::Note(why)
    }

    fn is_sending(&self) -> bool {
        self.own.values().any(|own| own.fate == Fate::Sending)
    }

    /// Logs out once the input has ended, the catch-up is complete and nothing waits for an answer.
    fn leave_if_done(&mut self, now: Instant) -> Option<Out> {
        let quiet = self.waiting.is_empty() && self.next.is_none() && !self.is_sending();
        let done = self.input_ended && self.live && quiet;
        done.then(|| self.ask("logout", json!({}), Asked::Logout, now))
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// Who ended this session, and why.
fn kicked(reason: &Value, by: &Value) -> String {
    let by = by.as_object().map(|by| {
        let (platform, device) = (text(&by["platform"]), text(&by["device"]));
        format!(" by {platform} ({device}) at {}", clock(&by["time"]))
    });
    format!("kicked{}: {}", by.unwrap_or_default(), text(reason))
}
