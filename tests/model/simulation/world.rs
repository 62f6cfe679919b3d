use std::collections::HashMap;

use duolog::domain::rows::DAY;
use duolog::domain::verdict::{Answer, Opened, Sent, Verdict};
use duolog::engine::record_of;
use duolog::log::{Log, MemoryLog, Record};
use duolog_topics::{
    Account, AccountImported, Authority, BlacklistAnswer, Envelope, Event, EventId, FoldVersion, LogId, LogOpened,
    LoginPolicy, Millis, OwnerChanged, PolicyChanged, Tick, partition_of,
};

use super::dump::{assert_same, dump};
use super::home::Home;
use crate::explore::{Dice, is_read};

const START: Millis = 1_700_000_000_000;
const PEOPLE: usize = 7;

/// What somebody asked for, however often.
pub struct Request {
    pub account: Account,
    pub event: Event,
    /// Offset, record time and verdict of each time that it was folded.
    pub verdicts: Vec<(u64, Millis, Verdict)>,
}

/// An applied message.
#[derive(Clone)]
pub struct Message {
    pub from: Account,
    pub to: Account,
    pub sent: Sent,
}

/// An opened session.
#[derive(Clone)]
pub struct Login {
    pub account: Account,
    pub session: String,
    pub device: String,
    pub opened: Opened,
}

pub struct World {
    pub log: MemoryLog,
    pub homes: Vec<Home>,
    pub people: Vec<Account>,
    pub requests: Vec<Request>,
    /// Which request stands at a place of the log.
    placed: HashMap<(u32, u64), usize>,
    pub messages: Vec<Message>,
    pub logins: Vec<Login>,
    /// What couriers hold back: destination and record.
    pub held: Vec<(u32, Record)>,
    /// Whether days may pass.
    pub long: bool,
    pub randoms: u32,
}

impl World {
    pub fn new(dice: &mut Dice) -> Self {
        let partitions = 3;
        let log = MemoryLog::new(partitions);
        let homes = (0..partitions).map(|id| Home::new(id, log.clone(), START + dice.below(3_000) as u64)).collect();
        let people = (0..PEOPLE).map(|number| Account::new(format!("user{number}")).unwrap()).collect();
        let mut world = Self {
            log,
            homes,
            people,
            requests: Vec::new(),
            placed: HashMap::new(),
            messages: Vec::new(),
            logins: Vec::new(),
            held: Vec::new(),
            long: dice.percent(50),
            randoms: 0,
        };
        let policy = policy(dice);
        let log_id = LogId::from_u128(u128::from(dice.next()));
        for id in 0..partitions {
            let opened = LogOpened { log_id, generation: 0, partitions, format: 1 };
            world.append_as(id, 0, &system(), &opened.into(), dice);
            world.takeover(id as usize, dice);
            let epoch = world.homes[id as usize].epoch;
            world.append_as(id, epoch, &system(), &FoldVersion { n: 1 }.into(), dice);
            world.append_as(id, epoch, &system(), &policy.clone().into(), dice);
        }
        for account in world.people.clone() {
            world.submit(&account, AccountImported { nick: None, face_url: None }.into(), dice);
        }
        world.settle();
        world
    }

    pub fn new_id(&self, dice: &mut Dice) -> EventId {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&dice.next().to_be_bytes());
        EventId::new(START, random)
    }

    /// The one account that is deleted and made again.
    pub fn passing(&self) -> &Account {
        &self.people[PEOPLE - 1]
    }

    pub fn home_of(&self, account: &Account) -> u32 {
        partition_of(account.as_bytes(), self.homes.len() as u32)
    }

    fn record(&self, home: u32, epoch: u64, account: &Account, event: &Event, dice: &mut Dice) -> Record {
        let time = self.homes[home as usize].clock;
        let authority = Authority::Epoch(epoch);
        record_of(&Envelope { id: self.new_id(dice), time, account: account.clone(), authority }, event)
    }

    fn append_as(&mut self, home: u32, epoch: u64, account: &Account, event: &Event, dice: &mut Dice) {
        let record = self.record(home, epoch, account, event, dice);
        self.log.append(home, vec![record]).unwrap();
    }

    /// A new request to the account's home.
    pub fn submit(&mut self, account: &Account, event: Event, dice: &mut Dice) {
        self.requests.push(Request { account: account.clone(), event, verdicts: Vec::new() });
        self.append_request(self.requests.len() - 1, dice);
    }

    /// The owner appends a request, now or, if it pauses, later.
    fn append_request(&mut self, request: usize, dice: &mut Dice) {
        let Request { account, event, .. } = &self.requests[request];
        let home = self.home_of(account);
        let record = self.record(home, self.homes[home as usize].epoch, account, event, dice);
        if dice.percent(3) {
            self.homes[home as usize].late.push((Some(request), record));
        } else {
            self.append_record(home, Some(request), record);
        }
        self.homes[home as usize].clock += dice.below(3) as u64;
    }

    fn append_record(&mut self, home: u32, request: Option<usize>, record: Record) {
        let offset = self.log.append(home, vec![record]).unwrap()[0];
        if let Some(request) = request {
            self.placed.insert((home, offset), request);
        }
    }

    /// The same request once more, as a client does that heard nothing.
    pub fn retry(&mut self, dice: &mut Dice) {
        let request = dice.below(self.requests.len());
        self.append_request(request, dice);
    }

    pub fn fold(&mut self, home: usize, count: usize) {
        for (offset, time, verdict) in self.homes[home].fold(count) {
            let Some(request) = self.placed.get(&(home as u32, offset)).copied() else { continue };
            self.learn(request, &verdict);
            let again = matches!(verdict, Verdict::Superseded | Verdict::Applied(Answer::Partial));
            self.requests[request].verdicts.push((offset, time, verdict));
            if again {
                self.append_request(request, &mut Dice::new(offset));
            }
        }
        for (account, event) in std::mem::take(&mut self.homes[home].unfinished) {
            let epoch = self.homes[home].epoch;
            self.append_as(home as u32, epoch, &account, &event, &mut Dice::new(self.homes[home].state.next));
        }
    }

    pub fn fold_in_vain(&self, home: usize, count: usize) {
        self.homes[home].fold_in_vain(count);
    }

    /// What later requests may refer to.
    fn learn(&mut self, request: usize, verdict: &Verdict) {
        let Request { account, event, .. } = &self.requests[request];
        match (event, verdict) {
            (Event::MessageSent(event), Verdict::Applied(Answer::Sent(sent))) => {
                self.messages.extend(event.receivers.iter().map(|to| Message {
                    from: account.clone(),
                    to: to.clone(),
                    sent: sent.clone(),
                }));
            }
            (Event::SessionOpened(event), Verdict::Applied(Answer::Opened(opened))) => self.logins.push(Login {
                account: account.clone(),
                session: event.session.clone(),
                device: event.device.clone(),
                opened: opened.clone(),
            }),
            _ => {}
        }
    }

    pub fn takeover(&mut self, home: usize, dice: &mut Dice) {
        let before = self.homes[home].epoch;
        self.homes[home].epoch += 1;
        let epoch = self.homes[home].epoch;
        self.own(home, epoch, dice);
        if dice.percent(20) {
            // Two nodes at once: the first one wins.
            self.own(home, epoch, dice);
        }
        if dice.percent(20) && before > 0 {
            self.own(home, before, dice);
        }
    }

    fn own(&mut self, home: usize, epoch: u64, dice: &mut Dice) {
        let meta = self.homes[home].meta();
        let event = OwnerChanged {
            log_id: meta.log_id,
            generation: meta.generation,
            partitions: meta.partitions,
            epoch,
            node: "node".to_owned(),
        };
        self.append_as(home as u32, epoch, &system(), &event.into(), dice);
    }

    pub fn zombie(&mut self, home: usize, dice: &mut Dice) {
        let late = &mut self.homes[home].late;
        if !late.is_empty() {
            let (request, record) = late.swap_remove(dice.below(late.len()));
            self.append_record(home as u32, request, record);
        }
    }

    /// Milliseconds pass, sometimes days; the homes' clocks are not the same.
    pub fn wait(&mut self, dice: &mut Dice) {
        let most = if self.long && dice.percent(15) { DAY } else { 20 };
        let passed = dice.next() % most;
        for home in &mut self.homes {
            home.clock += passed + dice.next() % 3;
        }
        let home = dice.below(self.homes.len());
        self.append_as(home as u32, self.homes[home].epoch, &system(), &Tick {}.into(), dice);
    }

    pub fn compare_with_rebuild(&self, home: usize, dice: &mut Dice) {
        let home = &self.homes[home];
        let rebuilt = home.rebuild(dice);
        assert_same("live and rebuilt differ", &dump(&home.state.rows, home.id), &dump(&rebuilt, home.id));
    }

    /// Nobody asks for more: everything that is on its way arrives.
    pub fn settle(&mut self) {
        let dice = &mut Dice::new(1);
        while !self.held.is_empty() {
            self.carry_late(dice);
        }
        for home in 0..self.homes.len() {
            while !self.homes[home].late.is_empty() {
                self.zombie(home, dice);
            }
        }
        loop {
            for home in 0..self.homes.len() {
                while self.homes[home].state.next < self.homes[home].end() {
                    self.fold(home, 100);
                }
            }
            if !self.carry_all(dice) {
                return;
            }
        }
    }
}

/// After a failure: what was asked for, and what came of it.
impl Drop for World {
    fn drop(&mut self) {
        if is_read() {
            for Request { account, event, verdicts } in self.requests.iter().skip(PEOPLE) {
                let home = self.home_of(account);
                eprintln!("{account} in {home}: {event:?}");
                verdicts.iter().for_each(|(offset, time, verdict)| eprintln!("  {offset} at {time}: {verdict:?}"));
            }
        }
    }
}

/// Limits so low that random histories pass them.
fn policy(dice: &mut Dice) -> PolicyChanged {
    PolicyChanged {
        revision: 1,
        login: *dice.pick(&[LoginPolicy::Single, LoginPolicy::Dual, LoginPolicy::Triple, LoginPolicy::Multi]),
        web_instances: 1 + dice.below(3) as u32,
        friend_check: dice.percent(20),
        blacklist_answer: *dice.pick(&[BlacklistAnswer::Success, BlacklistAnswer::Error]),
        offline_days: 1 + dice.below(3) as u32,
        offline_messages: 5 + dice.below(60) as u32,
        roaming_days: 1 + dice.below(3) as u32,
        recent_contacts: 1 + dice.below(5) as u32,
        recall_seconds: 1 + dice.below(100_000) as u64,
        devices: 1 + dice.below(4) as u32,
        ..PolicyChanged::default()
    }
}

pub fn system() -> Account {
    Account::new("@duolog").unwrap()
}
