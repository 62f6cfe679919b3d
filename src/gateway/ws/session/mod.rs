//! A connection as a state machine without I/O: frames, answers, announcements and time go in; frames, calls and the end
//! come out. [`Machine`] is the door; [`Greeting`] is a connection before its login, [`Active`] one after it.

mod active;
mod greeting;
mod pulse;
mod requests;
mod stream;

use std::sync::Arc;

use duolog_topics::{Millis, PolicyChanged, SessionEnd};

use super::op::{Granted, Identity, Login, Op, Request};
use super::protocol::{Close, Failure, Flaw, Parsed};
use super::settings::Settings;
use crate::domain::verdict::{Announcement, EndReason, Opened};
use crate::gateway::auth::Verified;
use active::Active;
use greeting::Greeting;
pub use requests::Ticket;
pub use stream::Page;

/// What happens to a connection.
pub enum Input<'a> {
    /// A frame as JSON text; absent if it is none of the subprotocol.
    Frame(Option<&'a str>),
    /// A control frame: the client lives.
    Alive,
    Answer(Answer),
    Announced(&'a Announcement),
    /// Announcements were lost, because they came faster than they were taken.
    Lagged,
    /// The log ended the session.
    Ended(EndReason),
    /// Only time passes; so it does with every other input.
    Time,
    /// A frame that cannot be read.
    Flawed(Flaw),
    /// The client has taken nothing for too long.
    Stalled,
    /// The server stops. Said again, it waits no longer for what was asked.
    Draining,
    /// The account's home is at another node now.
    Moved,
    /// The link is lost, or the client closed it.
    Gone,
}

/// What is to be done for a connection, in this order.
#[derive(Debug)]
pub enum Output {
    /// A frame to send, as JSON text.
    Frame(String),
    /// A WebSocket ping.
    Ping,
    Call(Call),
    /// The last frame; the connection ends.
    Close(Close),
}

/// What the engine is asked for. All but an ack come back as an [`Answer`].
pub enum Call {
    Login(Box<Login>, Verified),
    /// Go live; then a page after this sequence and, if it is the last, the recent contacts that changed since.
    CatchUp {
        after: u64,
        contacts_since: Option<u64>,
    },
    Request {
        ticket: Ticket,
        request: Box<Request>,
    },
    /// This device has stored everything up to here.
    Ack(u64),
    LogOut,
}

/// What the engine answered.
pub enum Answer {
    Login(Result<Box<LoggedIn>, Failure>),
    CatchUp(Result<Page, Failure>),
    Request { ticket: Ticket, result: Result<Granted, Failure> },
    LogOut(Result<(), Failure>),
}

/// A login that the log accepted.
pub struct LoggedIn {
    pub identity: Arc<Identity>,
    pub opened: Opened,
    pub policy: PolicyChanged,
    /// The last second in which the signature is valid.
    pub expires_at: u64,
    /// Seconds, as the client asked for it.
    pub heartbeat: Option<u64>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Login(login, _) => write!(f, "Login({:?})", login.account),
            Self::CatchUp { after, contacts_since } => write!(f, "CatchUp({after}, {contacts_since:?})"),
            Self::Request { ticket, request } => write!(f, "Request({ticket}, {:?})", request.lane()),
            Self::Ack(cursor) => write!(f, "Ack({cursor})"),
            Self::LogOut => f.write_str("LogOut"),
        }
    }
}

/// A connection, in whatever phase it is.
pub struct Machine {
    phase: Phase,
}

enum Phase {
    Greeting(Greeting),
    Active(Box<Active>),
    /// The connection ends; acks of its session still count.
    Ended {
        acks: bool,
    },
}

/// What a phase makes of an input.
enum Next {
    Stay,
    LogIn(Box<Active>),
    End,
}

impl Machine {
    /// A connection that was just made. `seed` makes the numbers of messages whose client gives none.
    pub fn new(settings: Arc<Settings>, now: Millis, seed: u64) -> Self {
        Self { phase: Phase::Greeting(Greeting::new(settings, now, seed)) }
    }

    /// Takes an input. What it gives to push leaves with [`Self::flush`], so that several inputs may share a frame.
    ///
    /// Returns how to tell the log that the session is over, where the log does not know it.
    pub fn handle(&mut self, now: Millis, input: Input<'_>, out: &mut Vec<Output>) -> Option<SessionEnd> {
        let next = match &mut self.phase {
            Phase::Greeting(greeting) => greeting.handle(now, input, out),
            Phase::Active(active) => active.handle(now, input, out),
            Phase::Ended { acks } => {
                if let (true, Input::Frame(Some(json))) = (*acks, input)
                    && let Ok(Op::Ack(cursor)) = Parsed::of(json).op
                {
                    out.push(Output::Call(Call::Ack(cursor)));
                }
                Next::Stay
            }
        };
        match next {
            Next::Stay => None,
            Next::LogIn(active) => {
                self.phase = Phase::Active(active);
                None
            }
            Next::End => {
                let end = if let Phase::Active(active) = &self.phase { active.session_end() } else { None };
                self.phase = Phase::Ended { acks: matches!(self.phase, Phase::Active(_)) };
                end
            }
        }
    }

    /// Pushes what waits to be pushed.
    pub fn flush(&mut self, now: Millis, out: &mut Vec<Output>) {
        if let Phase::Active(active) = &mut self.phase
            && let Next::End = active.flush(now, out)
        {
            self.phase = Phase::Ended { acks: true };
        }
    }

    /// Whether it knows that the server stops.
    pub fn is_draining(&self) -> bool {
        matches!(&self.phase, Phase::Active(active) if active.is_draining())
    }

    /// Whether frames may come; while a login is decided they wait.
    pub fn wants_frames(&self) -> bool {
        !matches!(&self.phase, Phase::Greeting(greeting) if greeting.is_logging_in())
    }

    /// Whether announcements may come, and the news that the session has ended.
    pub fn wants_announcements(&self) -> bool {
        matches!(&self.phase, Phase::Active(active) if active.wants_announcements())
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// When [`Input::Time`] is due at the latest.
    pub fn next_time(&self) -> Millis {
        match &self.phase {
            Phase::Greeting(greeting) => greeting.next_time(),
            Phase::Active(active) => active.next_time(),
            Phase::Ended { .. } => Millis::MAX,
        }
    }
}

/// Malformed frames in a row.
#[derive(Default)]
struct Malformed(u32);

impl Malformed {
    /// Counts a frame; `true` if it was one malformed frame too many.
    fn count(&mut self, op: Result<&Op, &Failure>) -> bool {
        match op {
            Err(failure) if failure.is_malformed() => self.0 += 1,
            _ => self.0 = 0,
        }
        self.0 >= super::settings::MALFORMED_FRAMES
    }
}

#[cfg(test)]
mod tests;
