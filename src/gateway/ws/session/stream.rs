use std::collections::VecDeque;
use std::sync::Arc;

use duolog_topics::Account;

use super::requests::{OwnSend, Requests};
use super::{Call, Output};
use crate::domain::verdict::{Announcement, Opened, Sent};
use crate::domain::view::{Entry, MessageView, RecentContacts, TimelinePage};
use crate::gateway::ws::op::Identity;
use crate::gateway::ws::op::send::SendKey;
use crate::gateway::ws::protocol::fit::{entry_bytes, shorten, that_fit};
use crate::gateway::ws::protocol::reply::{self, Messages};
use crate::gateway::ws::settings::LIVE_BATCH;

/// What a device gets of its account's timeline, in sequence order and none twice.
///
/// First the catch-up: pages, each after the one before was acked. The read that finds the last page finds the recent
/// contacts in the same view, and begins after the session went live; so `refresh` names exactly where the announcements
/// take over. Later a hole (announcements were too fast for this session) is filled from the timeline, and pushed as if
/// it had been announced.
pub struct Stream {
    phase: Phase,
    /// Everything up to here left, as a push or as the reply to an own send.
    position: u64,
    /// The last cursor that the client was told: where the next push begins.
    told: u64,
    /// Everything up to here left or waits in `queue`.
    queued: u64,
    queue: VecDeque<Item>,
    /// The head of the queue is an own message whose reply has to wait for others of its conversation.
    blocked: bool,
    /// The recent contacts' changes that the device has not seen: those after this; all of them if absent.
    contacts_since: Option<u64>,
    /// The highest cursor that the client knows, from pushes or `sync`.
    known: u64,
    /// A page of the catch-up that has arrived, until [`Self::flush`] may push it.
    arrived: Option<Box<Page>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Catch-up: a page is being read.
    Reading,
    /// Catch-up: the next page comes when this cursor is acked.
    AwaitingAck(u64),
    /// Announcements follow each other.
    Following,
    /// A hole is being read; once it is, where its page ends and whether more pages follow.
    Filling(Option<(u64, bool)>),
}

struct Item {
    /// Absent for online-only messages.
    sequence: Option<u64>,
    entry: Arc<Entry>,
    /// It may be what a request of this session sent.
    perhaps_ours: bool,
}

/// A page of the timeline, and with the last one the recent contacts of the same view.
pub struct Page {
    pub timeline: TimelinePage,
    /// Absent if more pages follow.
    pub contacts: Option<RecentContacts>,
}

impl Stream {
    /// Begins the catch-up; a device that is known has seen the recent contacts up to its cursor.
    pub fn start(opened: &Opened, out: &mut Vec<Output>) -> Self {
        let start = opened.start();
        let stream = Self {
            phase: Phase::Reading,
            position: start,
            told: start,
            queued: start,
            queue: VecDeque::new(),
            blocked: false,
            contacts_since: opened.known.then_some(opened.cursor),
            known: start,
            arrived: None,
        };
        stream.read(out);
        stream
    }

    fn read(&self, out: &mut Vec<Output>) {
        out.push(Output::Call(Call::CatchUp { after: self.queued, contacts_since: self.contacts_since }));
    }

    /// Whether the catch-up is complete.
    fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Following | Phase::Filling(_))
    }

    /// Whether announcements may come now. While a page is read they wait, because they may continue it.
    pub fn wants_announcements(&self) -> bool {
        match self.phase {
            Phase::Reading | Phase::Filling(_) => false,
            Phase::AwaitingAck(_) => true,
            Phase::Following => !self.blocked && self.queue.len() < LIVE_BATCH,
        }
    }

    /// Takes an announcement. One that was seen already is dropped; one after a hole starts filling it.
    pub fn announced(&mut self, announcement: &Announcement, identity: &Identity, out: &mut Vec<Output>) {
        if self.phase != Phase::Following {
            return;
        }
        let sequence = match announcement.place {
            Some(place) if place.sequence <= self.queued => return,
            Some(place) if place.previous > self.queued => return self.fill(out),
            Some(place) => Some(place.sequence),
            None => None,
        };
        let perhaps_ours = announcement.by_session.as_deref() == Some(&identity.session);
        if sequence.is_none() && perhaps_ours {
            return;
        }
        self.queued = sequence.unwrap_or(self.queued);
        self.queue.push_back(Item { sequence, entry: Arc::clone(&announcement.entry), perhaps_ours });
    }

    /// Announcements were lost.
    pub fn lagged(&mut self, out: &mut Vec<Output>) {
        if self.phase == Phase::Following {
            self.fill(out);
        }
    }

    fn fill(&mut self, out: &mut Vec<Output>) {
        self.phase = Phase::Filling(None);
        self.read(out);
    }

    /// Takes the page that was called for.
    pub fn page(&mut self, page: Page, account: &Account) {
        match self.phase {
            Phase::Reading => self.arrived = Some(Box::new(page)),
            Phase::Filling(None) => {
                let TimelinePage { list, cursor, more } = page.timeline;
                for (sequence, entry) in list {
                    let perhaps_ours = matches!(&entry, Entry::Message(message) if message.from == *account);
                    self.queue.push_back(Item { sequence: Some(sequence), entry: Arc::new(entry), perhaps_ours });
                }
                self.queued = self.queued.max(cursor);
                self.phase = Phase::Filling(Some((cursor, more)));
            }
            Phase::AwaitingAck(_) | Phase::Following | Phase::Filling(Some(_)) => {}
        }
    }

    /// Pushes the page that has arrived, with the replies to the own sends in it. It waits for the replies that have to
    /// come before those, so that none of them follows `refresh`.
    fn catch_up(&mut self, account: &Account, requests: &mut Requests, out: &mut Vec<Output>) {
        let blocked = |(_, entry): &(u64, Entry)| {
            own_key(account, entry).is_some_and(|key| requests.own_send(&key) == OwnSend::Blocked)
        };
        let has_to_wait = |page: &Page| !requests.is_empty() && page.timeline.list.iter().any(blocked);
        let Some(page) = self.arrived.take_if(|page| !has_to_wait(page)) else { return };
        let Page { mut timeline, contacts } = *page;
        shorten(&mut timeline);
        let TimelinePage { list, cursor, more } = timeline;
        let list: Vec<_> = list.into_iter().map(|(sequence, entry)| (Some(sequence), entry)).collect();
        let after = self.told;
        (self.position, self.queued) = (cursor, cursor);
        if !list.is_empty() {
            out.push(Output::Frame(Messages { account, list: &list, after, cursor, offline: Some(more) }.frame()));
            self.tell(cursor);
        }
        for (sequence, entry) in &list {
            if let Some((ticket, sent)) = own_reply(requests, account, *sequence, entry) {
                answer(requests, ticket, &sent, out);
            }
        }
        match contacts {
            Some(contacts) if !more => {
                let full = self.contacts_since.is_none();
                out.push(Output::Frame(reply::recent_contacts(account, &contacts, full)));
                out.push(Output::Frame(reply::refresh(cursor)));
                self.tell(cursor);
                self.phase = Phase::Following;
            }
            _ => self.phase = Phase::AwaitingAck(cursor),
        }
    }

    fn tell(&mut self, cursor: u64) {
        self.told = cursor;
        self.known = self.known.max(cursor);
    }

    /// The client learned of a cursor by itself.
    pub fn synced(&mut self, cursor: u64) {
        self.known = self.known.max(cursor);
    }

    /// Takes an ack and returns what it is good for: no client has stored what it was never told of.
    pub fn acked(&mut self, cursor: u64, out: &mut Vec<Output>) -> u64 {
        if matches!(self.phase, Phase::AwaitingAck(page) if cursor >= page) {
            self.phase = Phase::Reading;
            self.read(out);
        }
        cursor.min(self.known)
    }

    /// Pushes what waits, as far as the order allows.
    pub fn flush(&mut self, identity: &Identity, requests: &mut Requests, out: &mut Vec<Output>) {
        self.catch_up(&identity.account, requests, out);
        self.blocked = false;
        let mut batch = Vec::new();
        while let Some(item) = self.queue.front() {
            let key = item.perhaps_ours.then(|| own_key(&identity.account, &item.entry)).flatten();
            match key.map_or(OwnSend::No, |key| requests.own_send(&key)) {
                OwnSend::Blocked => {
                    self.blocked = true;
                    break;
                }
                OwnSend::Is(ticket) => {
                    self.push(&mut batch, &identity.account, out);
                    if let Entry::Message(message) = &*item_entry(&mut self.queue, &mut self.position) {
                        let sent = sent(requests, ticket, message, Some(self.position));
                        answer(requests, ticket, &sent, out);
                    }
                }
                OwnSend::No => {
                    let Some(item) = self.queue.pop_front() else { break };
                    self.position = item.sequence.unwrap_or(self.position);
                    batch.push((item.sequence, item.entry));
                }
            }
        }
        if let (true, Phase::Filling(Some((cursor, more)))) = (self.queue.is_empty(), self.phase) {
            self.position = self.position.max(cursor);
            self.phase = if more { Phase::Filling(None) } else { Phase::Following };
            if more {
                self.read(out);
            }
        }
        self.push(&mut batch, &identity.account, out);
        // Before `refresh` there is no order of sequences to keep, so a reply leaves when its answer comes.
        requests.answer_placed(if self.is_live() { self.position } else { u64::MAX }, out);
    }

    /// Pushes a batch that ends at the position, in as many frames as its size asks for.
    fn push(&mut self, batch: &mut Vec<(Option<u64>, Arc<Entry>)>, account: &Account, out: &mut Vec<Output>) {
        let mut rest = &batch[..];
        while !rest.is_empty() {
            let fit = that_fit(rest.iter().map(|(_, entry)| entry_bytes(entry))).unwrap_or(rest.len());
            let (list, later) = rest.split_at(fit.min(LIVE_BATCH));
            let last = list.iter().rev().find_map(|(sequence, _)| *sequence).unwrap_or(self.told);
            let cursor = if later.is_empty() { self.position } else { last };
            out.push(Output::Frame(Messages { account, list, after: self.told, cursor, offline: None }.frame()));
            self.tell(cursor);
            rest = later;
        }
        batch.clear();
    }
}

/// Takes the head of the queue, and its place as the position.
fn item_entry(queue: &mut VecDeque<Item>, position: &mut u64) -> Arc<Entry> {
    let item = queue.pop_front().expect("the caller has looked at the head");
    *position = item.sequence.unwrap_or(*position);
    item.entry
}

fn own_key(account: &Account, entry: &Entry) -> Option<SendKey> {
    match entry {
        Entry::Message(message) if message.from == *account => {
            Some(SendKey { to: message.to.clone(), msg_seq: message.msg_seq, random: message.random })
        }
        _ => None,
    }
}

/// The request that a message of the catch-up answers, unless others have to be answered before.
fn own_reply(
    requests: &Requests,
    account: &Account,
    sequence: Option<u64>,
    entry: &Entry,
) -> Option<(super::requests::Ticket, Sent)> {
    if requests.is_empty() {
        return None;
    }
    let Entry::Message(message) = entry else { return None };
    match requests.own_send(&own_key(account, entry)?) {
        OwnSend::Is(ticket) => Some((ticket, sent(requests, ticket, message, sequence))),
        OwnSend::No | OwnSend::Blocked => None,
    }
}

fn sent(requests: &Requests, ticket: super::requests::Ticket, message: &MessageView, sequence: Option<u64>) -> Sent {
    let changed = requests.changed(ticket, message);
    Sent { key: message.key, time: message.time, sequence, failed: Vec::new(), changed }
}

fn answer(requests: &mut Requests, ticket: super::requests::Ticket, sent: &Sent, out: &mut Vec<Output>) {
    if let Some(id) = requests.id(ticket) {
        requests.answer(ticket, reply::granted(id, &reply::sent(sent)), out);
    }
}
