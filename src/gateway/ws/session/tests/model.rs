//! The machine against a model of the log: whatever comes when, nothing is lost, doubled or out of order.

use std::collections::VecDeque;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::bench::*;
use crate::domain::verdict::Announcement;
use crate::domain::view::Entry;
use crate::error::Code;
use crate::gateway::ws::session::{Call, Input, Output, Ticket};

/// What the world does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Another device or user brings an entry.
    Other,
    /// The client sends.
    Send,
    /// The log takes the oldest send that it has not taken.
    Take,
    /// The engine answers a send that the log took, whichever.
    Answer(usize),
    /// The page is read from what is committed now.
    Read,
    /// The page that was read arrives.
    Page,
    /// The session hears what waits for it.
    Live,
    /// The client acks what it was told.
    Ack,
    /// A request of the same conversation, and its answer.
    Recall,
    AnswerRecall,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Other),
        3 => Just(Step::Send),
        3 => Just(Step::Take),
        3 => any::<usize>().prop_map(Step::Answer),
        3 => Just(Step::Read),
        3 => Just(Step::Page),
        5 => Just(Step::Live),
        2 => Just(Step::Ack),
        1 => Just(Step::Recall),
        1 => Just(Step::AnswerRecall),
    ]
}

/// Announcements that may wait: few, so that sessions lag.
const QUEUE: usize = 3;
/// Entries in a page: few, so that there are pages.
const PAGE: usize = 3;

/// A page on its way: its entries, where it ends, whether more follow.
type ReadPage = (Vec<(u64, Entry)>, u64, bool);

struct World {
    bench: Bench,
    timeline: Vec<Announcement>,
    /// Sends that were called: ticket and random.
    called: VecDeque<(Ticket, u32)>,
    taken: Vec<(Ticket, u32, u64)>,
    recalls: VecDeque<Ticket>,
    sends: u32,
    read_asked: Option<u64>,
    read_done: Option<ReadPage>,
    waiting: VecDeque<Announcement>,
    live: bool,
    lagged: bool,
    client: Client,
}

/// What a careful client sees.
#[derive(Default)]
struct Client {
    cursor: u64,
    refreshed: Option<u64>,
    /// The highest sequence in any live frame.
    highest: u64,
    seen: Vec<u64>,
    answered: Vec<u64>,
}

impl World {
    fn new(before: u64) -> Self {
        let mut world = Self {
            bench: Bench::logged_in(0, before),
            timeline: Vec::new(),
            called: VecDeque::new(),
            taken: Vec::new(),
            recalls: VecDeque::new(),
            sends: 0,
            read_asked: None,
            read_done: None,
            waiting: VecDeque::new(),
            live: false,
            lagged: false,
            client: Client::default(),
        };
        (0..before).for_each(|_| world.commit(received(0), None));
        world.look();
        world
    }

    fn head(&self) -> u64 {
        self.timeline.len() as u64
    }

    fn commit(&mut self, entry: Entry, by_session: Option<String>) {
        let announcement = Announcement { by_session, ..announcement(self.head() + 1, entry) };
        self.timeline.push(announcement.clone());
        if self.live && !self.lagged {
            if self.waiting.len() == QUEUE {
                self.waiting.clear();
                self.lagged = true;
            } else {
                self.waiting.push_back(announcement);
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Other => self.commit(received(0), None),
            Step::Send => {
                self.sends += 1;
                let random = self.sends;
                self.bench.send(1_000 + u64::from(random), "bob", random);
            }
            Step::Take => {
                if let Some((ticket, random)) = self.called.pop_front() {
                    self.commit(Entry::Message(message("alice", "bob", random)), Some("s1".to_owned()));
                    self.taken.push((ticket, random, self.head()));
                }
            }
            Step::Answer(which) => {
                if !self.taken.is_empty() {
                    let (ticket, random, sequence) = self.taken.remove(which % self.taken.len());
                    self.bench.answer(ticket, Ok(sent(Some(sequence), random)));
                }
            }
            Step::Read => {
                if let Some(after) = self.read_asked.take() {
                    let list: Vec<_> = self.timeline.iter().skip(after as usize).take(PAGE).collect();
                    let cursor = after + list.len() as u64;
                    let list =
                        list.iter().map(|entry| (entry.place.unwrap().sequence, (*entry.entry).clone())).collect();
                    self.read_done = Some((list, cursor, cursor < self.head()));
                }
            }
            Step::Page => {
                if let Some((list, cursor, more)) = self.read_done.take() {
                    self.bench.page(&list, cursor, more);
                }
            }
            Step::Live if !self.bench.machine.wants_announcements() => {}
            Step::Live => match self.waiting.pop_front() {
                Some(announcement) => self.bench.announce(&announcement),
                None if self.lagged && self.live => {
                    self.live = false;
                    self.bench.input(Input::Lagged);
                }
                None => {}
            },
            Step::Ack => {
                let cursor = self.client.cursor;
                self.bench.request(1, "ack", json!({"cursor": cursor}));
            }
            Step::Recall => self.bench.request(2, "recall", json!({"peer": "bob", "key": "1_2_3"})),
            Step::AnswerRecall => {
                if let Some(ticket) = self.recalls.pop_front() {
                    self.bench.answer(ticket, Err(Code::MESSAGE_UNKNOWN.into()));
                }
            }
        }
        self.look();
    }

    /// Looks at what came out.
    fn look(&mut self) {
        while let Some(output) = self.bench.out.pop_front() {
            match output {
                Output::Frame(frame) => self.client.frame(&serde_json::from_str(&frame).unwrap()),
                Output::Call(Call::CatchUp { after, .. }) => {
                    assert!(self.read_asked.is_none() && self.read_done.is_none(), "one page at a time");
                    (self.live, self.lagged) = (true, false);
                    self.waiting.clear();
                    self.read_asked = Some(after);
                }
                Output::Call(Call::Request { ticket, request }) => match key_of(&request) {
                    Some(key) => self.called.push_back((ticket, key.random)),
                    None => self.recalls.push_back(ticket),
                },
                Output::Call(Call::Ack(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lets everything come to rest.
    fn settle(&mut self) {
        for _ in 0..20 * (self.timeline.len() + self.sends as usize + 10) {
            for step in [Step::Take, Step::Read, Step::Page, Step::Live, Step::Ack, Step::AnswerRecall, Step::Answer(0)]
            {
                self.step(step);
            }
        }
    }
}

impl Client {
    fn frame(&mut self, frame: &Value) {
        if let Some(sequence) = frame["ok"]["seq"].as_u64() {
            self.answered.push(frame["id"].as_u64().unwrap());
            if self.refreshed.is_some() {
                self.take_live(sequence);
            }
            return;
        }
        match frame["push"].as_str() {
            Some("messages") => {
                let (after, cursor, offline) = span(frame);
                assert_eq!(after, self.cursor, "a push begins where the client is: {frame}");
                assert_eq!(offline, self.refreshed.is_none());
                let list = sequences(frame);
                assert!(!list.is_empty() && list.iter().all(|sequence| (after + 1..=cursor).contains(sequence)));
                for sequence in list {
                    if offline { self.seen.push(sequence) } else { self.take_live(sequence) }
                }
                self.cursor = cursor;
            }
            Some("refresh") => {
                let cursor = frame["data"]["cursor"].as_u64().unwrap();
                assert!(self.refreshed.replace(cursor).is_none() && cursor >= self.cursor);
                (self.cursor, self.highest) = (cursor, cursor);
            }
            _ => {}
        }
    }

    fn take_live(&mut self, sequence: u64) {
        assert!(sequence > self.highest, "{sequence} after {}", self.highest);
        self.highest = sequence;
        self.seen.push(sequence);
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_doubled_or_out_of_order(before in 0u64..10, steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new(before);
        for step in steps {
            world.step(step);
        }
        world.settle();
        let client = &world.client;
        prop_assert!(client.refreshed.is_some());
        let all: Vec<u64> = (1..=world.timeline.len() as u64).collect();
        prop_assert_eq!(&client.seen, &all);
        let sends: Vec<u64> = (1..=u64::from(world.sends)).map(|random| 1_000 + random).collect();
        prop_assert_eq!(&client.answered, &sends);
    }

    #[test]
    fn no_frame_makes_it_panic(frames: Vec<String>, values in prop::collection::vec(any_frame(), 0..20)) {
        let mut bench = Bench::live(3);
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        for frame in frames.iter().chain(&values) {
            bench.input(Input::Frame(Some(frame)));
        }
        let frames = bench.out.iter().filter_map(|output| if let Output::Frame(frame) = output { Some(frame) } else { None });
        for frame in frames {
            prop_assert!(serde_json::from_str::<Value>(frame).is_ok());
        }
    }
}

fn any_frame() -> impl Strategy<Value = Value> {
    let ops = ["send", "ack", "history", "sync", "read", "recall", "block", "friend_add", "profile_set", "status", "x"];
    let fields =
        ["to", "random", "body", "cursor", "peer", "key", "keys", "accounts", "after", "before", "limit", "items"];
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!(["1_2_3"])),
        Just(json!([{}])),
        Just(json!("bob")),
        Just(Value::Null),
    ];
    let args = prop::collection::btree_map(prop::sample::select(fields.to_vec()), value, 0..6);
    (any::<u64>(), prop::sample::select(ops.to_vec()), args)
        .prop_map(|(id, op, args)| json!({"id": id, "op": op, "args": args}))
}
