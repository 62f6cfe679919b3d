//! The account's feed: catch-up, live messages, and the cursor that they move.

use std::time::Instant;

use duolog_topics::Account;
use serde_json::{Value, json};

use super::{Asked, Client, Out, Outs, list, text};
use crate::cli::chat::own::Fate;
use crate::cli::chat::show::contact;

/// The protocol's largest page of `sync`.
const SYNC_PAGE: u32 = 200;

impl Client {
    /// A page of the catch-up, or a live message. One that does not begin where this client is means that something was
    /// missed: then the whole stretch is asked for.
    pub(super) fn messages(&mut self, data: &Value, now: Instant) -> Outs {
        if data["after"].as_u64() != Some(self.cursor) {
            let syncing = self.waiting.values().any(|(asked, _)| *asked == Asked::Sync);
            return if syncing { vec![] } else { vec![self.sync(now)] };
        }
        let mut outs = vec![];
        if data["offline"] == true && !list(&data["list"]).is_empty() {
            outs.push(Out::Note("— while you were away".to_owned()));
        }
        outs.extend(self.show(&data["list"]));
        outs.extend(self.advance(&data["cursor"], now));
        outs
    }

    fn sync(&mut self, now: Instant) -> Out {
        self.ask("sync", json!({"after": self.cursor, "limit": SYNC_PAGE}), Asked::Sync, now)
    }

    /// The answer to [`Self::sync`].
    pub(super) fn synced(&mut self, ok: &Value, now: Instant) -> Outs {
        let news = |entry: &&Value| entry["seq"].as_u64().is_none_or(|seq| seq > self.cursor);
        let news: Vec<Value> = list(&ok["list"]).iter().filter(news).cloned().collect();
        let mut outs = self.show(&Value::Array(news));
        outs.extend(self.advance(&ok["cursor"], now));
        if ok["more"] == true {
            outs.push(self.sync(now));
        }
        outs
    }

    /// Everything up to a cursor is on the screen: tell the gateway.
    fn advance(&mut self, cursor: &Value, now: Instant) -> Option<Out> {
        let cursor = cursor.as_u64().filter(|cursor| *cursor > self.cursor)?;
        self.cursor = cursor;
        Some(self.ask("ack", json!({"cursor": cursor}), Asked::Quiet, now))
    }

    pub(super) fn recent_contacts(&mut self, data: &Value) -> Outs {
        let list = list(&data["list"]);
        let title = || Out::Note(format!("— recent contacts, {} unread in all", data["unread_total"]));
        let mut outs: Outs = if list.is_empty() { vec![] } else { vec![title()] };
        let unread = list.iter().filter(|item| data["full"] == true || item["unread"] != 0);
        outs.extend(unread.map(|item| Out::Note(contact(item))));
        outs
    }

    /// The catch-up is complete: what had no answer and is not in it is sent again.
    pub(super) fn refresh(&mut self, data: &Value, now: Instant) -> Outs {
        self.live = true;
        let mut outs = vec![Out::Note("— up to date".to_owned())];
        outs.extend(self.advance(&data["cursor"], now));
        let unsent = self.own.iter().filter(|(_, own)| own.fate == Fate::Sending).map(|(number, _)| *number);
        for number in unsent.collect::<Vec<_>>() {
            outs.push(self.send(number, now));
        }
        outs.extend(self.go_on(now));
        outs
    }

    pub(super) fn show(&mut self, entries: &Value) -> Outs {
        list(entries).iter().flat_map(|entry| self.show_one(entry)).collect()
    }

    fn show_one(&mut self, entry: &Value) -> Outs {
        let me = self.identity.account.as_str();
        match entry["type"].as_str() {
            None if entry["from"] == me => {
                let sending = self.own.iter_mut().find(|(_, own)| own.is_sending_as(entry));
                match sending {
                    Some((number, own)) => {
                        own.stored(text(&entry["key"]), entry["time"].as_u64().unwrap_or_default());
                        vec![Out::Stored(*number, entry.clone())]
                    }
                    None => vec![Out::Entry(entry.clone())],
                }
            }
            None => {
                self.last = entry["from"].as_str().and_then(|from| Account::new(from).ok());
                vec![Out::Entry(entry.clone())]
            }
            Some("receipt") => {
                let (peer, until) = (text(&entry["peer"]), entry["until"].as_u64());
                let keys: Vec<&str> = list(&entry["keys"]).iter().filter_map(Value::as_str).collect();
                let read =
                    self.own.iter_mut().filter_map(|(number, own)| own.read(peer, until, &keys).then_some(number));
                let marks = read.map(|number| Out::Note(format!("[{number}] ✓✓ read by {peer}")));
                [Out::Entry(entry.clone())].into_iter().chain(marks).collect()
            }
            Some(_) => vec![Out::Entry(entry.clone())],
        }
    }
}
