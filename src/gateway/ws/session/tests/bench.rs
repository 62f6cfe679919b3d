use std::collections::VecDeque;
use std::sync::Arc;

use duolog_topics::{Account, Millis, MsgKey, Origin, Platform, PolicyChanged, RawJson, SessionEnd};
use serde_json::{Value, json};

use super::super::*;
use crate::domain::verdict::{Place, Sent};
use crate::domain::view::{ChangeView, Entry, MessageFlagsView, MessageView, RecentContacts, TimelinePage};
use crate::gateway::auth::AppKey;
use crate::gateway::ws::op::send::SendKey;
use crate::gateway::ws::protocol::CloseCode;
use crate::gateway::ws::settings::Limits;

pub const START: Millis = 1_700_000_000_000;
/// How long the signatures of these tests are valid, in seconds.
pub const VALID: u64 = 86_400;

pub fn account(name: &str) -> Account {
    Account::new(name).unwrap()
}

pub fn app() -> AppKey {
    AppKey::new(1_400_000_000, "key")
}

pub fn settings(limits: Limits) -> Arc<Settings> {
    Arc::new(Settings { limits, ..Settings::of(app()) })
}

/// A machine with everything that came out of it and was not looked at yet.
pub struct Bench {
    pub machine: Machine,
    pub now: Millis,
    pub out: VecDeque<Output>,
    pub end: Option<SessionEnd>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Self {
        let machine = Machine::new(settings(limits), START, 7);
        Self { machine, now: START, out: VecDeque::new(), end: None }
    }

    /// Alice, logged in with her timeline at `head`, taken up to `cursor`.
    pub fn logged_in(cursor: u64, head: u64) -> Self {
        let mut bench = Self::new();
        bench.log_in(cursor, head);
        bench
    }

    pub fn log_in(&mut self, cursor: u64, head: u64) {
        self.request(1, "login", login_args());
        assert!(matches!(self.call(), Call::Login(..)));
        self.input(Input::Answer(Answer::Login(Ok(Box::new(logged_in(cursor, head))))));
        assert_eq!(self.frame()["id"], 1);
    }

    /// The same, live: caught up at `cursor`.
    pub fn live(cursor: u64) -> Self {
        let mut bench = Self::logged_in(cursor, cursor);
        bench.catch_up();
        bench.page(&[], cursor, false);
        assert_eq!(bench.frame()["push"], "recent_contacts");
        assert_eq!(bench.frame(), json!({"push": "refresh", "data": {"cursor": cursor}}));
        bench
    }

    pub fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        if let Some(end) = self.machine.handle(self.now, input, &mut out) {
            assert!(self.end.replace(end).is_none(), "a session ends once");
        }
        self.machine.flush(self.now, &mut out);
        self.out.extend(out);
    }

    pub fn request(&mut self, id: u64, op: &str, args: Value) {
        let frame = json!({"id": id, "op": op, "args": args}).to_string();
        self.input(Input::Frame(Some(&frame)));
    }

    pub fn send(&mut self, id: u64, to: &str, random: u32) {
        let body = json!([]);
        self.request(id, "send", json!({"to": to, "random": random, "msg_seq": 1, "body": body}));
    }

    pub fn announce(&mut self, announcement: &Announcement) {
        self.input(Input::Announced(announcement));
    }

    pub fn answer(&mut self, ticket: Ticket, result: Result<Granted, Failure>) {
        self.input(Input::Answer(Answer::Request { ticket, result }));
    }

    pub fn page(&mut self, entries: &[(u64, Entry)], cursor: u64, more: bool) {
        let timeline = TimelinePage { list: entries.to_vec(), cursor, more };
        let contacts = (!more).then(RecentContacts::default);
        self.input(Input::Answer(Answer::CatchUp(Ok(Page { timeline, contacts }))));
    }

    pub fn time(&mut self, after: Millis) {
        self.now += after;
        self.input(Input::Time);
    }

    pub fn frame(&mut self) -> Value {
        match self.out.pop_front() {
            Some(Output::Frame(frame)) => serde_json::from_str(&frame).expect("frames are JSON"),
            other => panic!("no frame but {other:?}"),
        }
    }

    pub fn call(&mut self) -> Call {
        match self.out.pop_front() {
            Some(Output::Call(call)) => call,
            other => panic!("no call but {other:?}"),
        }
    }

    /// The ticket of a request that was called.
    pub fn ticket(&mut self) -> Ticket {
        match self.call() {
            Call::Request { ticket, .. } => ticket,
            other => panic!("no request but {other:?}"),
        }
    }

    /// Where the page begins that was called for.
    pub fn catch_up(&mut self) -> u64 {
        match self.call() {
            Call::CatchUp { after, .. } => after,
            other => panic!("no catch-up but {other:?}"),
        }
    }

    pub fn closed(&mut self) -> CloseCode {
        match self.out.pop_front() {
            Some(Output::Close(close)) => {
                assert!(self.machine.has_ended() && close.reason.len() <= 123);
                close.code
            }
            other => panic!("no close but {other:?}"),
        }
    }

    pub fn error(&mut self) -> (Value, u64) {
        let frame = self.frame();
        (frame["id"].clone(), frame["error"]["code"].as_u64().unwrap_or_else(|| panic!("no error: {frame}")))
    }

    pub fn nothing(&self) {
        assert!(self.out.is_empty(), "{:?}", self.out);
    }
}

pub fn login_args() -> Value {
    let user_sig = app().sign(&account("alice"), START / 1000, VALID);
    json!({"account": "alice", "user_sig": user_sig, "platform": "web", "device": "d"})
}

pub fn logged_in(cursor: u64, head: u64) -> LoggedIn {
    let identity = Identity {
        account: account("alice"),
        session: "s1".to_owned(),
        device: "d".to_owned(),
        platform: Platform::Web,
        ip: None,
    };
    LoggedIn {
        identity: Arc::new(identity),
        opened: Opened { timeline: "t".to_owned(), cursor, head, gap: None, known: true },
        policy: PolicyChanged::default(),
        expires_at: START / 1000 + VALID,
        heartbeat: None,
    }
}

pub fn message(from: &str, to: &str, random: u32) -> MessageView {
    MessageView {
        key: MsgKey { seq: 1, random, time: START / 1000 },
        from: account(from),
        to: account(to),
        time: START,
        body: RawJson::from_checked("[]"),
        custom: None,
        random,
        msg_seq: 1,
        origin: Origin::Client,
        flags: MessageFlagsView::default(),
        peer_read: false,
    }
}

pub fn received(random: u32) -> Entry {
    Entry::Message(message("bob", "alice", random))
}

pub fn change() -> Entry {
    Entry::Change { time: START, change: ChangeView::RecentRemoved { peer: account("bob") } }
}

pub fn announcement(sequence: u64, entry: Entry) -> Announcement {
    let place = Some(Place { sequence, previous: sequence - 1 });
    Announcement { account: account("alice"), place, entry: Arc::new(entry), by_session: None }
}

/// Of a message that Alice sent in this session.
pub fn own(sequence: u64, to: &str, random: u32) -> Announcement {
    let by_session = Some("s1".to_owned());
    Announcement { by_session, ..announcement(sequence, Entry::Message(message("alice", to, random))) }
}

pub fn sent(sequence: Option<u64>, random: u32) -> Granted {
    let key = MsgKey { seq: 1, random, time: START / 1000 };
    Granted::Sent { sent: Sent { key, time: START, sequence, failed: Vec::new(), changed: None }, repeat: false }
}

/// The sequences of a push of messages.
pub fn sequences(push: &Value) -> Vec<u64> {
    assert_eq!(push["push"], "messages", "{push}");
    push["data"]["list"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()).collect()
}

/// `after`, `cursor` and `offline` of a push of messages.
pub fn span(push: &Value) -> (u64, u64, bool) {
    let data = &push["data"];
    (data["after"].as_u64().unwrap(), data["cursor"].as_u64().unwrap(), data["offline"].as_bool().unwrap())
}

pub fn key_of(request: &Request) -> Option<SendKey> {
    if let Request::Send(send) = request { Some(send.key()) } else { None }
}
