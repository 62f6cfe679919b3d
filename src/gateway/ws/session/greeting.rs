use std::sync::Arc;

use duolog_topics::Millis;

use super::active::Active;
use super::{Answer, Call, Input, LoggedIn, Malformed, Next, Output};
use crate::error::Code;
use crate::gateway::ws::op::{Login, Op};
use crate::gateway::ws::protocol::reply;
use crate::gateway::ws::protocol::{Close, CloseCode, Failure, Parsed};
use crate::gateway::ws::settings::{LOGIN_REFUSALS, LOGIN_TIME, Settings};

/// A connection before its login. Nothing but `login` is answered.
pub struct Greeting {
    settings: Arc<Settings>,
    seed: u64,
    opened: Millis,
    refusals: u32,
    malformed: Malformed,
    /// The id of the login that is being decided.
    login: Option<u64>,
}

const TOO_LATE: Close = Close::new(CloseCode::NotLoggedIn, "not logged in in time");
const REFUSED: Close = Close::new(CloseCode::NotLoggedIn, "refused too often");

impl Greeting {
    pub fn new(settings: Arc<Settings>, now: Millis, seed: u64) -> Self {
        Self { settings, seed, opened: now, refusals: 0, malformed: Malformed::default(), login: None }
    }

    pub fn is_logging_in(&self) -> bool {
        self.login.is_some()
    }

    pub fn next_time(&self) -> Millis {
        if self.is_logging_in() { Millis::MAX } else { self.opened + LOGIN_TIME }
    }

    pub fn handle(&mut self, now: Millis, input: Input<'_>, out: &mut Vec<Output>) -> Next {
        let close = match input {
            Input::Frame(json) => return self.frame(now, json, out),
            Input::Answer(Answer::Login(Ok(logged_in))) => return self.logged_in(now, *logged_in, out),
            Input::Answer(Answer::Login(Err(failure))) => {
                let id = self.login.take();
                return self.refuse(id, &failure, out);
            }
            Input::Flawed(flaw) => flaw.close(),
            Input::Stalled => Close::stalled(),
            Input::Draining => Close::stopping(),
            Input::Moved => Close::moved(),
            Input::Gone => return Next::End,
            Input::Time if now >= self.next_time() => TOO_LATE,
            _ => return Next::Stay,
        };
        out.push(Output::Close(close));
        Next::End
    }

    fn frame(&mut self, now: Millis, json: Option<&str>, out: &mut Vec<Output>) -> Next {
        let Parsed { id, is_login, op } = json.map_or_else(Parsed::unreadable, Parsed::of);
        if self.malformed.count(op.as_ref()) {
            out.push(Output::Frame(reply::refused(id, &Failure::malformed("the last one of too many"))));
            out.push(Output::Close(Close::new(CloseCode::Malformed, "too many malformed frames")));
            return Next::End;
        }
        match op {
            Ok(Op::Login(login)) => self.log_in(now, id, login, out),
            Ok(_) => {
                let failure = Failure::new(Code::TICKET_INVALID, "log in first");
                out.push(Output::Frame(reply::refused(id, &failure)));
                Next::Stay
            }
            Err(failure) if is_login && !failure.is_malformed() => self.refuse(id, &failure, out),
            Err(failure) => {
                out.push(Output::Frame(reply::refused(id, &failure)));
                Next::Stay
            }
        }
    }

    fn log_in(&mut self, now: Millis, id: Option<u64>, login: Box<Login>, out: &mut Vec<Output>) -> Next {
        match self.settings.app.verify(&login.user_sig, &login.account, now / 1000) {
            Ok(verified) => {
                self.login = id;
                out.push(Output::Call(Call::Login(login, verified)));
                Next::Stay
            }
            Err(error) => self.refuse(id, &Failure::new(error.code(), error.to_string()), out),
        }
    }

    /// Answers a login that was refused. One that may succeed later is not held against the client.
    fn refuse(&mut self, id: Option<u64>, failure: &Failure, out: &mut Vec<Output>) -> Next {
        out.push(Output::Frame(reply::refused(id, failure)));
        if !failure.code.retry() {
            self.refusals += 1;
        }
        if self.refusals < LOGIN_REFUSALS {
            return Next::Stay;
        }
        out.push(Output::Close(REFUSED));
        Next::End
    }

    fn logged_in(&mut self, now: Millis, logged_in: LoggedIn, out: &mut Vec<Output>) -> Next {
        let Some(id) = self.login.take() else { return Next::Stay };
        Next::LogIn(Box::new(Active::start(Arc::clone(&self.settings), now, self.seed, id, logged_in, out)))
    }
}
