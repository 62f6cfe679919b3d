use duolog_topics::Account;

use super::{Call, Output};
use crate::domain::verdict::{Changed, Sent};
use crate::domain::view::MessageView;
use crate::gateway::ws::op::send::{SendKey, said};
use crate::gateway::ws::op::{Lane, Request};
use crate::gateway::ws::protocol::reply;

/// Names a request inside the gateway.
pub type Ticket = u32;

/// The requests of a session that are not answered yet, in the order in which they came.
///
/// Those of one conversation form a lane and are answered in order. Its writes go out at once, because the log keeps
/// their order; a read waits for everything before it, and what comes after a read waits for it. There are few of them
/// (`limits.in_flight`), so they are looked through rather than indexed.
#[derive(Default)]
pub struct Requests {
    open: Vec<Open>,
    last_ticket: Ticket,
}

struct Open {
    ticket: Ticket,
    /// The client's name for it.
    id: u64,
    lane: Lane,
    send: Option<SendKey>,
    /// A hash of what its message says, as the client said it.
    said: u64,
    stage: Stage,
}

enum Stage {
    /// For its lane.
    Waiting(Box<Request>),
    Called,
    /// A message that was sent; its reply waits for its place among the live entries.
    Placed(Sent),
    /// Its reply waits for those before it in the lane.
    Answered(String),
}

impl Open {
    fn peer(&self) -> Option<&Account> {
        match &self.lane {
            Lane::Free => None,
            Lane::Read(peer) | Lane::Write(peer) => Some(peer),
        }
    }
}

/// What an own message in the timeline is to the requests of this session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OwnSend {
    /// No request waits for it.
    No,
    /// One does, but others of its conversation have to be answered before.
    Blocked,
    /// The reply to this one takes its place.
    Is(Ticket),
}

impl Requests {
    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a request in, and calls it as soon as its lane allows. `body_bytes`: the longest that a message may be.
    pub fn admit(&mut self, id: u64, request: Box<Request>, body_bytes: usize, out: &mut Vec<Output>) {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        let (send, said) = match &*request {
            Request::Send(send) => (Some(send.key()), send.said(body_bytes)),
            _ => (None, 0),
        };
        let (ticket, lane) = (self.last_ticket, request.lane());
        self.open.push(Open { ticket, id, lane, send, said, stage: Stage::Waiting(request) });
        self.call_if_due(self.open.len() - 1, out);
    }

    /// The client's name for a request.
    pub fn id(&self, ticket: Ticket) -> Option<u64> {
        self.place(ticket).map(|place| self.open[place].id)
    }

    /// Answers a request; the reply leaves when those before it in its lane have.
    pub fn answer(&mut self, ticket: Ticket, reply: String, out: &mut Vec<Output>) {
        let Some(place) = self.place(ticket) else { return };
        self.open[place].stage = Stage::Answered(reply);
        match self.open[place].peer().cloned() {
            Some(peer) => self.advance(&peer, out),
            None => self.release(place, out),
        }
    }

    /// Keeps a message's answer until its entry leaves ([`Self::own_send`]), or has left ([`Self::answer_placed`]).
    pub fn placed(&mut self, ticket: Ticket, sent: Sent) {
        if let Some(place) = self.place(ticket) {
            self.open[place].stage = Stage::Placed(sent);
        }
    }

    /// Which request waits for this message of the account.
    pub fn own_send(&self, key: &SendKey) -> OwnSend {
        let waits =
            |open: &&Open| open.send.as_ref() == Some(key) && matches!(open.stage, Stage::Called | Stage::Placed(_));
        let Some(found) = self.open.iter().find(waits) else { return OwnSend::No };
        if self.is_first(found) { OwnSend::Is(found.ticket) } else { OwnSend::Blocked }
    }

    /// What of a request's message is not as its client said it.
    pub fn changed(&self, ticket: Ticket, message: &MessageView) -> Option<Box<Changed>> {
        let open = &self.open[self.place(ticket)?];
        let same = open.said == said(message.body.as_str(), message.custom.as_deref());
        (!same).then(|| Box::new(Changed { body: Some(message.body.clone()), custom: message.custom.clone() }))
    }

    /// Replies to the messages that were placed at most here, as far as their lanes allow: their entries left already, or
    /// they have none.
    pub fn answer_placed(&mut self, until: u64, out: &mut Vec<Output>) {
        while let Some((ticket, reply)) = self.first_placed(until) {
            self.answer(ticket, reply, out);
        }
    }

    fn first_placed(&self, until: u64) -> Option<(Ticket, String)> {
        self.open.iter().find_map(|open| match &open.stage {
            Stage::Placed(sent) if sent.sequence.is_none_or(|place| place <= until) && self.is_first(open) => {
                Some((open.ticket, reply::granted(open.id, &reply::sent(sent))))
            }
            _ => None,
        })
    }

    /// Whether nothing of its lane comes before it.
    fn is_first(&self, request: &Open) -> bool {
        let first = self.open.iter().find(|open| open.peer() == request.peer());
        first.is_some_and(|first| first.ticket == request.ticket)
    }

    fn place(&self, ticket: Ticket) -> Option<usize> {
        self.open.iter().position(|open| open.ticket == ticket)
    }

    fn release(&mut self, place: usize, out: &mut Vec<Output>) {
        if let Stage::Answered(reply) = self.open.remove(place).stage {
            out.push(Output::Frame(reply));
        }
    }

    /// Lets out the answers at the head of a lane, and calls what waited for them.
    fn advance(&mut self, peer: &Account, out: &mut Vec<Output>) {
        let head = |open: &[Open]| open.iter().position(|open| open.peer() == Some(peer));
        while let Some(place) = head(&self.open) {
            if !matches!(self.open[place].stage, Stage::Answered(_)) {
                break;
            }
            self.release(place, out);
        }
        for place in 0..self.open.len() {
            if self.open[place].peer() == Some(peer) {
                self.call_if_due(place, out);
            }
        }
    }

    fn call_if_due(&mut self, place: usize, out: &mut Vec<Output>) {
        let (before, rest) = self.open.split_at_mut(place);
        let open = &mut rest[0];
        let mut ahead = before.iter().filter(|other| other.peer().is_some() && other.peer() == open.peer());
        let due = match open.lane {
            Lane::Free => true,
            Lane::Read(_) => ahead.next().is_none(),
            Lane::Write(_) => {
                ahead.all(|other| matches!(other.lane, Lane::Write(_)) && !matches!(other.stage, Stage::Waiting(_)))
            }
        };
        if !due || !matches!(open.stage, Stage::Waiting(_)) {
            return;
        }
        if let Stage::Waiting(request) = std::mem::replace(&mut open.stage, Stage::Called) {
            out.push(Output::Call(Call::Request { ticket: open.ticket, request }));
        }
    }
}
