use std::sync::Arc;

use duolog_topics::{CloseReason, Millis, SessionEnd};

use super::pulse::{Due, Pulse};
use super::requests::Requests;
use super::stream::Stream;
use super::{Answer, Call, Input, LoggedIn, Malformed, Next, Output, Ticket};
use crate::domain::verdict::EndReason;
use crate::error::Code;
use crate::gateway::bucket::Bucket;
use crate::gateway::ws::op::{Granted, Identity, Op, Request};
use crate::gateway::ws::protocol::json::object_text;
use crate::gateway::ws::protocol::{Close, CloseCode, Failure, Parsed, reply, welcome};
use crate::gateway::ws::settings::Settings;

/// A connection after its login.
pub struct Active {
    settings: Arc<Settings>,
    identity: Arc<Identity>,
    requests: Requests,
    stream: Stream,
    pulse: Pulse,
    sends: Bucket,
    malformed: Malformed,
    /// Makes the numbers of messages whose client gives none.
    seed: u64,
    logout: Logout,
    /// The server stops: what was asked for is answered, then the connection ends.
    draining: bool,
    /// How the log is told that the session is over; absent if it knows.
    end: Option<CloseReason>,
}

/// A `logout` is answered after everything that was asked for before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Logout {
    No,
    Waiting(u64),
    Called(u64),
}

impl Active {
    /// Answers the login and begins the catch-up.
    pub fn start(
        settings: Arc<Settings>,
        now: Millis,
        seed: u64,
        id: u64,
        logged_in: LoggedIn,
        out: &mut Vec<Output>,
    ) -> Self {
        let heartbeat = logged_in.heartbeat.unwrap_or(settings.heartbeat_seconds);
        let pulse = Pulse::new(now, heartbeat, logged_in.expires_at);
        let ok = welcome::welcome(&settings, &logged_in, heartbeat, now);
        out.push(Output::Frame(reply::granted(id, &ok)));
        Self {
            stream: Stream::start(&logged_in.opened, out),
            identity: logged_in.identity,
            requests: Requests::default(),
            pulse,
            sends: Bucket::new(settings.limits.sends_per_second, now),
            settings,
            malformed: Malformed::default(),
            seed,
            logout: Logout::No,
            draining: false,
            end: Some(CloseReason::LinkLost),
        }
    }

    pub fn session_end(&self) -> Option<SessionEnd> {
        self.end.map(|reason| self.identity.ended(reason))
    }

    pub fn wants_announcements(&self) -> bool {
        self.stream.wants_announcements()
    }

    pub fn next_time(&self) -> Millis {
        self.pulse.next()
    }

    pub fn is_draining(&self) -> bool {
        self.draining
    }

    pub fn flush(&mut self, now: Millis, out: &mut Vec<Output>) -> Next {
        self.stream.flush(&self.identity, &mut self.requests, out);
        self.log_out_if_due(out);
        if self.draining && self.requests.is_empty() && self.logout == Logout::No {
            return close(Close::stopping(), out);
        }
        if out.iter().any(|output| matches!(output, Output::Frame(_) | Output::Close(_))) {
            self.pulse.sent(now);
        }
        Next::Stay
    }

    pub fn handle(&mut self, now: Millis, input: Input<'_>, out: &mut Vec<Output>) -> Next {
        match input {
            Input::Frame(json) => {
                self.pulse.heard(now);
                self.frame(now, json, out)
            }
            Input::Alive => {
                self.pulse.heard(now);
                Next::Stay
            }
            Input::Answer(answer) => self.answer(now, answer, out),
            Input::Announced(announcement) => {
                self.stream.announced(announcement, &self.identity, out);
                Next::Stay
            }
            Input::Lagged => {
                self.stream.lagged(out);
                Next::Stay
            }
            Input::Ended(reason) => self.ended(&reason, out),
            Input::Time => self.time(now, out),
            Input::Flawed(flaw) => close(flaw.close(), out),
            Input::Stalled => close(Close::stalled(), out),
            Input::Draining => {
                // Sessions end with the epoch of their server.
                self.end = None;
                if std::mem::replace(&mut self.draining, true) {
                    return close(Close::stopping(), out);
                }
                Next::Stay
            }
            Input::Moved => {
                self.end = None;
                close(Close::moved(), out)
            }
            Input::Gone => Next::End,
        }
    }

    fn frame(&mut self, now: Millis, json: Option<&str>, out: &mut Vec<Output>) -> Next {
        let Parsed { id, op, .. } = json.map_or_else(Parsed::unreadable, Parsed::of);
        let too_many = self.malformed.count(op.as_ref());
        match (id, op) {
            (Some(id), Ok(op)) => self.op(now, id, op, out),
            (id, Err(failure)) => out.push(Output::Frame(reply::refused(id, &failure))),
            (None, Ok(_)) => {}
        }
        if too_many {
            return close(Close::new(CloseCode::Malformed, "too many malformed frames"), out);
        }
        Next::Stay
    }

    fn op(&mut self, now: Millis, id: u64, op: Op, out: &mut Vec<Output>) {
        let refuse =
            |failure: Failure, out: &mut Vec<Output>| out.push(Output::Frame(reply::refused(Some(id), &failure)));
        match op {
            Op::Ack(cursor) => {
                let cursor = self.stream.acked(cursor, out);
                out.push(Output::Call(Call::Ack(cursor)));
                out.push(Output::Frame(reply::granted(id, "{}")));
            }
            Op::Ping => {
                let ok = object_text(|ok| {
                    ok.number("server_time", now);
                });
                out.push(Output::Frame(reply::granted(id, &ok)));
            }
            Op::Login(_) => refuse(Failure::new(Code::PACKET_INVALID, "logged in already"), out),
            _ if self.logout != Logout::No => refuse(Failure::new(Code::TICKET_INVALID, "logging out"), out),
            _ if self.draining => refuse(Failure::new(Code::TOO_MANY_REQUESTS, "the server stops"), out),
            Op::Logout => self.logout = Logout::Waiting(id),
            Op::Request(request) => match self.admit(now, id, request, out) {
                Ok(()) => {}
                Err(failure) => refuse(failure, out),
            },
        }
    }

    fn admit(&mut self, now: Millis, id: u64, mut request: Box<Request>, out: &mut Vec<Output>) -> Result<(), Failure> {
        if self.requests.len() >= self.settings.limits.in_flight {
            return Err(Failure::new(Code::TOO_MANY_REQUESTS, "too many requests wait for their answers"));
        }
        if let Request::Send(send) = &mut *request {
            self.sends.take(now).map_err(Failure::busy_for)?;
            send.number(self.random());
        }
        self.requests.admit(id, request, self.settings.limits.body_bytes, out);
        Ok(())
    }

    /// SplitMix64 (Steele, Lea and Flood 2014): a number that tells messages with an equal random apart.
    fn random(&mut self) -> u32 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let [.., a, b, c, d] = (mixed ^ (mixed >> 31)).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    fn answer(&mut self, now: Millis, answer: Answer, out: &mut Vec<Output>) -> Next {
        match answer {
            Answer::CatchUp(Ok(page)) => self.stream.page(page, &self.identity.account),
            // Without its pages a session is of no use; the client comes back with its cursor.
            Answer::CatchUp(Err(_)) => return close(Close::overloaded(5 + now % 26), out),
            Answer::Request { ticket, result } => self.answered(ticket, result, out),
            Answer::LogOut(result) => return self.logged_out(result, out),
            Answer::Login(_) => {}
        }
        Next::Stay
    }

    fn answered(&mut self, ticket: Ticket, result: Result<Granted, Failure>, out: &mut Vec<Output>) {
        // A message may have been answered by its own entry, before this answer came.
        let Some(id) = self.requests.id(ticket) else { return };
        let reply = match result {
            Ok(Granted::Sent { sent, repeat: false }) => return self.requests.placed(ticket, sent),
            Ok(Granted::Sent { sent, repeat: true }) => reply::granted(id, &reply::sent(&sent)),
            Ok(Granted::Ok(ok)) => reply::granted(id, &ok),
            Ok(Granted::Entries { ok, cursor }) => {
                self.stream.synced(cursor);
                reply::granted(id, &ok)
            }
            Ok(Granted::Renewed { expires_at }) => {
                self.pulse.renew(expires_at);
                let expires = self.pulse.expires();
                reply::granted(
                    id,
                    &object_text(|ok| {
                        ok.number("expires", expires);
                    }),
                )
            }
            Err(failure) => reply::refused(Some(id), &failure),
        };
        self.requests.answer(ticket, reply, out);
    }

    fn log_out_if_due(&mut self, out: &mut Vec<Output>) {
        if let Logout::Waiting(id) = self.logout
            && self.requests.is_empty()
        {
            self.logout = Logout::Called(id);
            out.push(Output::Call(Call::LogOut));
        }
    }

    fn logged_out(&mut self, result: Result<(), Failure>, out: &mut Vec<Output>) -> Next {
        let Logout::Called(id) = self.logout else { return Next::Stay };
        match result {
            Ok(()) => {
                self.end = None;
                out.push(Output::Frame(reply::granted(id, "{}")));
                close(Close::new(CloseCode::Done, "logged out"), out)
            }
            Err(failure) => {
                self.logout = Logout::No;
                out.push(Output::Frame(reply::refused(Some(id), &failure)));
                Next::Stay
            }
        }
    }

    fn ended(&mut self, reason: &EndReason, out: &mut Vec<Output>) -> Next {
        // The answer to the logout is on its way.
        if *reason == EndReason::LoggedOut && matches!(self.logout, Logout::Called(_)) {
            return Next::Stay;
        }
        self.end = None;
        if let Some(kicked) = reply::kicked(reason) {
            out.push(Output::Frame(kicked));
        }
        let (code, why) = match reason {
            EndReason::LoginElsewhere(_) => (CloseCode::Kicked, "logged in elsewhere"),
            EndReason::KickedByAdmin => (CloseCode::Kicked, "kicked by an admin"),
            EndReason::AccountDeleted => (CloseCode::Kicked, "the account was deleted"),
            EndReason::Replaced => (CloseCode::Replaced, "the same device has a newer connection"),
            EndReason::LoggedOut => (CloseCode::Done, "logged out"),
        };
        close(Close::new(code, why), out)
    }

    fn time(&mut self, now: Millis, out: &mut Vec<Output>) -> Next {
        match self.pulse.due(now) {
            Due::Nothing => {}
            Due::Ping => out.push(Output::Ping),
            Due::ExpiryWarning => out.push(Output::Frame(reply::expiring(self.pulse.expires()))),
            Due::Silence => {
                self.end = Some(CloseReason::TimeOut);
                return close(Close::new(CloseCode::GoingAway, "silent for too long"), out);
            }
            Due::Expiry => {
                self.end = Some(CloseReason::SignatureExpired);
                out.push(Output::Frame(reply::kicked_by_expiry()));
                return close(Close::new(CloseCode::Kicked, "the signature expired"), out);
            }
        }
        Next::Stay
    }
}

fn close(close: Close, out: &mut Vec<Output>) -> Next {
    out.push(Output::Close(close));
    Next::End
}
