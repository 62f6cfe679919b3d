use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Message;
use duolog_topics::{CloseReason, Millis};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::calls::{self, Done};
use super::connections::Slot;
use super::forward::{Pipe, Reached};
use super::op::Context;
use super::protocol::Close;
use super::session::{Answer, Call, Input, Machine, Output};
use super::settings::LIVE_BATCH;
use super::state::Shared;
use super::wire::{Heard, Wire};
use crate::engine::{Live, LiveSession};

/// A client that takes nothing for this time is cut off.
pub const STALL: Millis = 30_000;
/// How long a client may take to answer a close frame.
pub const LINGER: Duration = Duration::from_secs(5);
/// What goes out at the very end has this time: a client that takes nothing then has had its chance before.
pub const PARTING: Duration = Duration::from_secs(2);
/// A client whose socket is full when the server stops has this time to make room for its answers. With [`PARTING`] for the
/// close frame and for the end this is less than the server waits for its connections.
const LEAVE: Millis = 2_000;

/// The thin shell around a [`Machine`]: carries out what it says and tells it what happens.
pub struct Connection {
    shared: Arc<Shared>,
    wire: Wire,
    machine: Machine,
    /// At most `limits.in_flight` requests, a login, a page and a logout.
    calls: FuturesUnordered<BoxFuture<'static, Done>>,
    live: Option<LiveSession>,
    context: Option<Arc<Context>>,
    ip: Option<String>,
    way: Way,
    /// The last frame before the login was answered: what another home has to hear.
    login: Option<Message>,
    /// The client's home at another node.
    home: Option<Reached>,
    stall: Stall,
    /// When it goes although answers are owed, if its socket is full: absent until the server stops.
    leaves: Option<Millis>,
    outputs: Vec<Output>,
    linger: Duration,
}

/// How a client has come here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Direct,
    /// Another node has passed it on, so it is not passed on again.
    Forwarded,
}

/// Since when the client has taken nothing, although something waits for it.
#[derive(Default)]
pub(super) struct Stall {
    since: Option<Millis>,
    progress: u64,
}

impl Stall {
    /// When the client has taken nothing for too long; looks at the wire, so it costs nothing while all goes well.
    pub fn deadline(&mut self, wire: &Wire, now: Millis) -> Millis {
        if wire.is_idle() {
            self.since = None;
        } else if self.since.is_none() || self.progress != wire.progress() {
            self.since = Some(now);
            self.progress = wire.progress();
        }
        self.since.map_or(Millis::MAX, |since| since + STALL)
    }
}

enum Event {
    Heard(Heard),
    Done(Done),
    Live(Live),
    Time,
    Draining,
}

impl Connection {
    pub fn new(shared: Arc<Shared>, wire: Wire, ip: Option<String>, way: Way) -> Self {
        let (now, seed) = (shared.engine.now(), shared.engine.random());
        Self {
            machine: Machine::new(Arc::clone(&shared.settings), now, seed),
            shared,
            wire,
            calls: FuturesUnordered::new(),
            live: None,
            context: None,
            ip,
            way,
            login: None,
            home: None,
            stall: Stall::default(),
            leaves: None,
            outputs: Vec::new(),
            linger: LINGER,
        }
    }

    /// Serves the client until the connection ends.
    pub async fn run(mut self, mut slot: Slot) {
        let mut timer = std::pin::pin!(sleep(Duration::ZERO));
        while !self.machine.has_ended() {
            let now = self.shared.engine.now();
            let due = self.machine.next_time().min(self.stall.deadline(&self.wire, now)).min(self.last_chance());
            arm(timer.as_mut(), Duration::from_millis(due.saturating_sub(now)));
            let event = self.event(timer.as_mut(), &mut slot).await;
            let now = self.shared.engine.now();
            self.take(now, event);
            if let Some(home) = self.home.take()
                && let Some(first) = self.login.take()
            {
                // Apart, so that a connection whose home is here does not hold room for it.
                self.wire = Box::pin(Pipe { wire: self.wire, home, first }.run(&mut slot)).await;
                return wind_down(&mut self.wire, LINGER).await;
            }
            self.take_what_is_ready(now);
            self.machine.flush(now, &mut self.outputs);
            self.carry_out();
        }
        // Apart, so that a connection that lives does not hold room for its end.
        Box::pin(self.wind_down(&mut slot)).await;
    }

    /// When nobody waits any longer for a client that makes no room, because the server stops.
    fn last_chance(&self) -> Millis {
        self.leaves.filter(|_| !self.wire.has_room()).unwrap_or(Millis::MAX)
    }

    async fn event(&mut self, timer: Pin<&mut Sleep>, slot: &mut Slot) -> Event {
        let room = self.wire.has_room();
        let hears_live = room && self.machine.wants_announcements();
        let listens = room && self.machine.wants_frames();
        tokio::select! {
            heard = self.wire.turn(listens) => Event::Heard(heard),
            // What is answered waits while the socket is full, so a client that takes nothing holds a few answers only.
            Some(done) = self.calls.next(), if room && !self.calls.is_empty() => Event::Done(done),
            live = next_live(&mut self.live), if hears_live => Event::Live(live),
            () = timer => Event::Time,
            () = slot.draining(), if !self.machine.is_draining() => Event::Draining,
        }
    }

    /// Takes what has come meanwhile, so that one frame may tell several things.
    fn take_what_is_ready(&mut self, now: Millis) {
        for _ in 0..LIVE_BATCH {
            if !self.wire.has_room() || !self.machine.wants_announcements() {
                break;
            }
            match self.live.as_mut().and_then(LiveSession::take) {
                Some(live) => self.take(now, Event::Live(live)),
                None => break,
            }
        }
    }

    fn take(&mut self, now: Millis, event: Event) {
        match event {
            Event::Heard(Heard::Frame(message)) => self.frame(now, &message),
            Event::Heard(Heard::Alive) => self.input(now, Input::Alive),
            Event::Heard(Heard::Flawed(flaw)) => self.input(now, Input::Flawed(flaw)),
            Event::Heard(Heard::Room | Heard::Taken) => {}
            Event::Heard(Heard::Gone) => {
                self.linger = Duration::ZERO;
                self.input(now, Input::Gone);
            }
            Event::Done(done) => self.done(now, done),
            Event::Live(Live::Announcement(announcement)) => self.input(now, Input::Announced(&announcement)),
            Event::Live(Live::Ended(reason)) => self.input(now, Input::Ended(reason)),
            Event::Live(Live::Lagged) => {
                super::metrics::lagged();
                self.input(now, Input::Lagged);
            }
            Event::Live(Live::Moved) => self.input(now, Input::Moved),
            Event::Draining => {
                self.leaves = Some(now + LEAVE);
                self.input(now, Input::Draining);
            }
            Event::Time if self.last_chance() <= now => self.give_up(now, Input::Draining, PARTING),
            Event::Time if self.stall.deadline(&self.wire, now) <= now => {
                self.give_up(now, Input::Stalled, Duration::from_millis(STALL));
            }
            Event::Time => self.input(now, Input::Time),
        }
    }

    /// Ends the connection of a client that makes no room: what waits for it is forgotten, but for the close frame.
    fn give_up(&mut self, now: Millis, why: Input<'_>, linger: Duration) {
        self.wire.discard();
        self.linger = linger;
        self.input(now, why);
    }

    fn frame(&mut self, now: Millis, message: &Message) {
        if self.context.is_none() {
            self.login = Some(message.clone());
        }
        let json = self.wire.decode(message);
        self.input(now, Input::Frame(json.as_deref()));
    }

    fn done(&mut self, now: Millis, done: Done) {
        if let Some(home) = done.home {
            self.home = Some(home);
            return;
        }
        if let Answer::Login(Ok(logged_in)) = &done.answer {
            self.live = done.live;
            (self.login, self.ip) = (None, None);
            self.context = Some(Arc::new(Context::new(Arc::clone(&self.shared), Arc::clone(&logged_in.identity))));
        }
        self.input(now, Input::Answer(done.answer));
    }

    fn input(&mut self, now: Millis, input: Input<'_>) {
        if let Some(end) = self.machine.handle(now, input, &mut self.outputs) {
            self.shared.engine.session_ended(end);
        }
    }

    fn carry_out(&mut self) {
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Frame(json) => self.wire.frame(json),
                Output::Ping => self.wire.ping(),
                Output::Call(call) => self.call(call),
                Output::Close(close) => self.close(close),
            }
        }
        // Its room is used again, while there is something to do.
        if !self.calls.is_empty() {
            self.outputs = outputs;
        }
    }

    fn close(&mut self, close: Close) {
        super::metrics::closed(close.code);
        self.wire.close(close);
    }

    fn call(&mut self, call: Call) {
        let future = match (call, &self.context) {
            (Call::Login(login, verified), _) => {
                let dialer = self.shared.dialer.clone().filter(|_| self.way == Way::Direct);
                let client = calls::Client { ip: self.ip.clone(), subprotocol: self.wire.subprotocol().name(), dialer };
                calls::log_in(Arc::clone(&self.shared), login, verified, client).boxed()
            }
            (Call::Ack(cursor), Some(context)) => {
                return self.shared.engine.advance_cursor(context.account(), &context.identity.device, cursor);
            }
            (Call::CatchUp { after, contacts_since }, Some(context)) => {
                // Before the read, so that nothing falls between it and the announcements.
                if let Some(live) = &self.live {
                    live.go_live();
                }
                calls::catch_up(Arc::clone(context), after, contacts_since).boxed()
            }
            (Call::Request { ticket, request }, Some(context)) => {
                let context = Arc::clone(context);
                async move {
                    let _place = if request.is_long_read() { context.read_place().await } else { None };
                    Answer::Request { ticket, result: request.run(&context).await }.into()
                }
                .boxed()
            }
            (Call::LogOut, Some(context)) => calls::log_out(Arc::clone(context)).boxed(),
            // Only a machine that was logged in calls, and that made the context.
            (_, None) => return,
        };
        self.calls.push(future);
    }

    async fn hear_last_words(&mut self) {
        loop {
            match self.wire.turn(true).await {
                Heard::Frame(message) => {
                    self.frame(0, &message);
                    self.carry_out();
                }
                Heard::Alive | Heard::Room | Heard::Taken => {}
                Heard::Flawed(_) | Heard::Gone => break,
            }
        }
    }

    /// After the last frame: acks still count, and a login that was decided too late is undone.
    async fn wind_down(mut self, slot: &mut Slot) {
        self.live = None;
        let linger = self.linger;
        tokio::select! {
            biased;
            () = self.hear_last_words() => {}
            () = patience(linger, slot) => {}
        }
        let _ = timeout(PARTING, self.wire.finish()).await;
        if self.context.is_none() {
            while let Some(done) = self.calls.next().await {
                if let Answer::Login(Ok(logged_in)) = done.answer {
                    self.shared.engine.session_ended(logged_in.identity.ended(CloseReason::LinkLost));
                }
            }
        }
    }
}

/// Waits as long as a client may take to hear the end; once the server stops, [`LINGER`] at most.
async fn patience(linger: Duration, slot: &mut Slot) {
    let stopped = async {
        slot.draining().await;
        sleep(LINGER).await;
    };
    tokio::select! {
        () = sleep(linger) => {}
        () = stopped => {}
    }
}

async fn next_live(live: &mut Option<LiveSession>) -> Live {
    match live {
        Some(live) => live.next().await,
        None => std::future::pending().await,
    }
}

/// Moves the timer only if it would come too late, or has come already.
fn arm(timer: Pin<&mut Sleep>, after: Duration) {
    let deadline = Instant::now() + after.min(Duration::from_secs(3600));
    if timer.is_elapsed() || deadline < timer.deadline() {
        timer.reset(deadline);
    }
}

/// Waits until the client has taken its last frame and answered it.
pub async fn wind_down(wire: &mut Wire, linger: Duration) {
    let answered = async { while !matches!(wire.turn(true).await, Heard::Gone | Heard::Flawed(_)) {} };
    let _ = timeout(linger, answered).await;
}
