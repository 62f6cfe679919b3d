//! What a person typed becomes requests.

use std::time::Instant;

use duolog_topics::Account;
use serde_json::json;

use super::{Asked, Client, Out, Outs};
use crate::cli::chat::own::{Fate, Own};
use crate::cli::chat::typed::{HELP, Typed};

/// Own messages that keep their number for `/recall` and their marks.
const OWN_KEPT: usize = 1000;

impl Client {
    /// Does what a person typed.
    ///
    /// # Errors
    /// What is missing, for that person.
    pub(super) fn act(&mut self, typed: Typed, now: Instant) -> Result<Outs, String> {
        let peer = |named: Option<Account>, client: &Self| {
            named.or_else(|| client.to.clone()).or_else(|| client.last.clone()).ok_or("to whom? /to ACCOUNT")
        };
        Ok(match typed {
            Typed::Text(text) => {
                let to = peer(None, self)?;
                self.compose(to, text, now)
            }
            Typed::To(peer) => {
                let note = format!("lines go to {peer}");
                self.to = Some(peer);
                vec![Out::Note(note)]
            }
            Typed::History { peer: named, limit } => {
                let peer = peer(named, self)?;
                vec![self.ask("history", json!({"peer": peer.as_str(), "limit": limit}), Asked::History, now)]
            }
            Typed::Recent => vec![self.ask("recent_contacts", json!({}), Asked::Recent, now)],
            Typed::Read(named) => {
                let peer = peer(named, self)?;
                vec![self.ask("read", json!({"peer": peer.as_str()}), Asked::Plain(format!("{peer} is read")), now)]
            }
            Typed::Recall(number) => vec![self.recall(number, now)?],
            Typed::Block(peers) => vec![self.change_block("block", &peers, now)],
            Typed::Unblock(peers) => vec![self.change_block("unblock", &peers, now)],
            Typed::Help => vec![Out::Note(HELP.to_owned())],
        })
    }

    fn compose(&mut self, to: Account, text: String, now: Instant) -> Outs {
        let number = self.own.last_key_value().map_or(1, |(last, _)| last + 1);
        let note = format!("[{number}] … to {to}: {text}");
        self.own.insert(number, Own::new(number, to, text));
        let oldest = self.own.iter().find(|(_, own)| own.fate != Fate::Sending).map(|(number, _)| *number);
        if let Some(oldest) = oldest.filter(|_| self.own.len() > OWN_KEPT) {
            self.own.remove(&oldest);
        }
        vec![Out::Note(note), self.send(number, now)]
    }

    /// Sends an own message, for the first time or again.
    pub(super) fn send(&mut self, number: usize, now: Instant) -> Out {
        let arguments = self.own.get(&number).map(Own::arguments).unwrap_or_default();
        self.ask("send", arguments, Asked::Send(number), now)
    }

    fn recall(&mut self, number: Option<usize>, now: Instant) -> Result<Out, String> {
        let stored = |own: &Own| own.key().map(|key| json!({"peer": own.to.as_str(), "key": key}));
        let found = match number {
            Some(number) => self.own.get(&number).and_then(stored).map(|args| (number, args)),
            None => self.own.iter().rev().find_map(|(number, own)| Some((*number, stored(own)?))),
        };
        let (number, args) = found.ok_or("no such message of this chat is stored")?;
        Ok(self.ask("recall", args, Asked::Plain(format!("[{number}] taken back")), now))
    }

    fn change_block(&mut self, op: &str, peers: &[Account], now: Instant) -> Out {
        let names: Vec<_> = peers.iter().map(Account::as_str).collect();
        self.ask(op, json!({"accounts": names}), Asked::Plain(format!("{op}ed: {}", names.join(", "))), now)
    }
}
