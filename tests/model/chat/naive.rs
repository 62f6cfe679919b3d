use std::collections::{BTreeMap, BTreeSet};

use super::DAY;
use crate::explore::Dice;

const KEPT: u64 = 7 * DAY;
const RECALL_TIME: u64 = 120_000;

/// A message in one user's view.
#[derive(Clone)]
struct Held {
    peer: String,
    incoming: bool,
    random: u32,
    /// Message time.
    time: u64,
    /// When its record was made.
    made: u64,
    recalled: bool,
}

/// One user's side of a conversation.
#[derive(Clone, Default)]
struct Conversation {
    unread: u64,
    read: u64,
    newest: u64,
    received: u64,
    made: u64,
    recent: Option<u64>,
}

#[derive(Default)]
struct Mailbox {
    /// In the order of arrival.
    messages: Vec<Held>,
    conversations: BTreeMap<String, Conversation>,
    blocked: BTreeSet<String>,
    /// How many messages each device has taken.
    devices: BTreeMap<String, usize>,
}

/// What users see, as plain lists.
pub struct Naive {
    pub time: u64,
    people: BTreeMap<String, Mailbox>,
    /// Every send: sender, receiver, random, message time, when its record was made.
    sends: Vec<(String, String, u32, u64, u64)>,
}

impl Naive {
    pub fn new(people: &[&str]) -> Self {
        let people = people.iter().map(|who| ((*who).to_owned(), Mailbox::default())).collect();
        Self { time: 0, people, sends: Vec::new() }
    }

    pub fn sent(&self) -> usize {
        self.sends.len()
    }

    pub fn send(&mut self, from: &str, to: &str, random: u32, time: u64, now: u64) {
        self.time = now;
        self.sends.push((from.to_owned(), to.to_owned(), random, time, now));
        self.enter(from, to, false, random, time);
        if !self.people[to].blocked.contains(from) {
            self.enter(to, from, true, random, time);
        }
    }

    fn enter(&mut self, who: &str, peer: &str, incoming: bool, random: u32, time: u64) {
        let now = self.time;
        let mailbox = self.people.get_mut(who).unwrap();
        mailbox.expire(now);
        let (peer, made) = (peer.to_owned(), now);
        let row = mailbox.conversations.entry(peer.clone()).or_default();
        row.made = made;
        row.newest = time;
        row.recent = Some(time);
        if incoming {
            row.received = time;
            row.unread += 1;
        }
        mailbox.messages.push(Held { peer, incoming, random, time, made, recalled: false });
    }

    /// A send whose key is still kept.
    pub fn retried(&self, dice: &mut Dice) -> Option<(String, String, u32, u64)> {
        let (from, to, random, time, made) = self.any_send(dice)?;
        // The retry's own record moves the time on; a day is far more than one step does.
        (made + KEPT > self.time + DAY).then_some((from, to, random, time))
    }

    pub fn recalled(&self, dice: &mut Dice) -> Option<(String, String, u32, u64)> {
        self.any_send(dice).map(|(from, to, random, time, _)| (from, to, random, time))
    }

    /// The newer, the likelier.
    fn any_send(&self, dice: &mut Dice) -> Option<(String, String, u32, u64, u64)> {
        let recent = self.sends.len().min(1 + dice.below(8));
        (recent > 0).then(|| self.sends[self.sends.len() - 1 - dice.below(recent)].clone())
    }

    /// Whether the recall took effect.
    pub fn recall(&mut self, from: &str, to: &str, random: u32, now: u64) -> bool {
        self.time = now;
        let mine = |held: &Held| held.peer == to && !held.incoming && held.random == random && held.made + KEPT >= now;
        let Some(own) = self.people[from].messages.iter().find(|held| mine(held)) else { return false };
        if own.recalled || now > own.time + RECALL_TIME {
            return false;
        }
        self.flag(from, to, random);
        self.flag(to, from, random);
        true
    }

    fn flag(&mut self, who: &str, peer: &str, random: u32) {
        let mailbox = self.people.get_mut(who).unwrap();
        let Some(held) = mailbox.messages.iter_mut().find(|held| held.peer == peer && held.random == random) else {
            return;
        };
        held.recalled = true;
        if let Some(row) = mailbox.conversations.get_mut(peer)
            && held.incoming
            && held.time > row.read
        {
            row.unread = row.unread.saturating_sub(1);
        }
    }

    pub fn read_all(&mut self, who: &str, peer: &str) {
        let now = self.time;
        let mailbox = self.people.get_mut(who).unwrap();
        mailbox.expire(now);
        if let Some(row) = mailbox.conversations.get_mut(peer)
            && row.received > row.read
        {
            row.read = row.received;
            row.unread = 0;
        }
    }

    pub fn delete_recent(&mut self, who: &str, peer: &str) {
        let now = self.time;
        let mailbox = self.people.get_mut(who).unwrap();
        mailbox.expire(now);
        if let Some(row) = mailbox.conversations.get_mut(peer) {
            row.recent = None;
            row.unread = 0;
        }
    }

    pub fn block(&mut self, who: &str, peer: &str, blocked: bool) {
        let list = &mut self.people.get_mut(who).unwrap().blocked;
        if blocked {
            list.insert(peer.to_owned())
        } else {
            list.remove(peer)
        };
    }

    pub fn knows(&self, who: &str, device: &str) -> bool {
        self.people[who].devices.contains_key(device)
    }

    /// What the device has not taken, oldest first. A device that is new starts where the foremost one is.
    pub fn login(&mut self, who: &str, device: &str) -> Vec<(u32, bool)> {
        let now = self.time;
        let mailbox = self.people.get_mut(who).unwrap();
        let foremost = mailbox.devices.values().copied().max().unwrap_or(0);
        let taken = *mailbox.devices.entry(device.to_owned()).or_insert(foremost);
        let messages = mailbox.messages[taken..].iter().filter(|held| held.made + KEPT >= now);
        messages.map(|held| (held.random, held.recalled)).collect()
    }

    pub fn ack(&mut self, who: &str, device: &str) {
        let mailbox = self.people.get_mut(who).unwrap();
        mailbox.devices.insert(device.to_owned(), mailbox.messages.len());
    }

    /// Oldest first: random, and whether it was recalled.
    pub fn history(&self, who: &str, peer: &str) -> Vec<(u32, bool)> {
        let there = |held: &&Held| held.peer == peer && held.made + KEPT >= self.time;
        self.people[who].messages.iter().filter(there).map(|held| (held.random, held.recalled)).collect()
    }

    /// Newest first: peer and unread.
    pub fn recents(&self, who: &str) -> Vec<(String, u64)> {
        let there = |row: &&(&String, &Conversation)| row.1.recent.is_some() && row.1.made + KEPT >= self.time;
        let mut rows: Vec<_> = self.people[who].conversations.iter().collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.recent));
        rows.iter().filter(there).map(|(peer, row)| ((*peer).clone(), row.unread)).collect()
    }

    pub fn blacklist(&self, who: &str) -> Vec<String> {
        self.people[who].blocked.iter().cloned().collect()
    }
}

impl Mailbox {
    /// A conversation goes with its last message, its marks and its unread with it.
    fn expire(&mut self, now: u64) {
        self.conversations.retain(|_, row| row.made + KEPT >= now);
    }
}
