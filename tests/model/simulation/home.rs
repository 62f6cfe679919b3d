use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use duolog::domain::fold::Fold;
use duolog::domain::rows::{Changes, Direction, KeyRange, MapRows, MetaRow, OutboxRow, Rows, get};
use duolog::domain::verdict::{Effect, Folded, Verdict};
use duolog::engine::ExpiredRows;
use duolog::log::{Log, MemoryLog, ReadLimit, Record, Stored};
use duolog::store::Expiry;
use duolog_topics::{Account, Envelope, Event, Millis};

use crate::explore::Dice;

/// The rows of a partition at a place in its log.
#[derive(Clone, Default)]
pub struct State {
    pub rows: MapRows,
    pub next: u64,
}

/// One partition: its committed rows, those that a crash leaves, and whoever owns it.
pub struct Home {
    pub id: u32,
    log: MemoryLog,
    pub state: State,
    flushed: State,
    /// Of the owner that everybody asks.
    pub epoch: u64,
    pub clock: Millis,
    /// What owners had still to append: with their own epochs.
    pub late: Vec<(Option<usize>, Record)>,
    /// Outbox rows that their destination has: the next commit deletes them.
    pub delivered: Vec<(u32, u64)>,
    /// What was answered, by offset.
    pub answers: BTreeMap<u64, Verdict>,
    /// Up to which offset live devices have heard, and the last sequence that each account heard.
    announced_until: u64,
    announced: HashMap<Account, u64>,
    /// What records have left to do for further ones.
    pub unfinished: Vec<(Account, Event)>,
    expired: Arc<ExpiredRows>,
}

impl Home {
    pub fn new(id: u32, log: MemoryLog, clock: Millis) -> Self {
        Self {
            id,
            log,
            state: State::default(),
            flushed: State::default(),
            epoch: 0,
            clock,
            late: Vec::new(),
            delivered: Vec::new(),
            answers: BTreeMap::new(),
            announced_until: 0,
            announced: HashMap::new(),
            unfinished: Vec::new(),
            expired: ExpiredRows::new(),
        }
    }

    pub fn end(&self) -> u64 {
        self.log.bounds(self.id).unwrap().high_watermark
    }

    pub fn meta(&self) -> MetaRow {
        meta_of(&self.state.rows, self.id)
    }

    /// The highest record time up to a place.
    pub fn partition_time(&self, offset: u64) -> Millis {
        self.read(0, offset as usize + 1).iter().map(|stored| stored.record.time).max().unwrap_or(0)
    }

    pub fn read(&self, from: u64, count: usize) -> Vec<Stored> {
        self.log.read(self.id, from, ReadLimit { records: count, bytes: usize::MAX }).unwrap()
    }

    /// Folds a batch and commits it; the new answers.
    pub fn fold(&mut self, count: usize) -> Vec<(u64, Millis, Verdict)> {
        let records = self.read(self.state.next, count);
        let (folded, mut changes, _) = fold(&self.state, self.id, &records, true);
        for (destination, number) in self.delivered.drain(..) {
            changes.set(OutboxRow::key(destination, number), None);
        }
        self.state.rows.apply(&changes);
        self.state.next += records.len() as u64;
        let mut answers = Vec::new();
        for (stored, folded) in records.iter().zip(folded) {
            self.hear(stored.offset, &folded);
            match self.answers.get(&stored.offset) {
                Some(before) => assert_eq!(*before, folded.verdict, "another verdict at {}", stored.offset),
                None => {
                    self.answers.insert(stored.offset, folded.verdict.clone());
                    answers.push((stored.offset, stored.record.time, folded.verdict));
                }
            }
        }
        answers
    }

    /// Live devices hear every sequence once, in order, and know whether they missed one.
    fn hear(&mut self, offset: u64, folded: &Folded) {
        if offset < self.announced_until {
            return;
        }
        self.announced_until = offset + 1;
        for effect in &folded.effects {
            if let Effect::GoOn { account, event } = effect {
                self.unfinished.push((account.clone(), Event::clone(event)));
            }
            let Effect::Announce(announcement) = effect else { continue };
            let Some(place) = announcement.place else { continue };
            let last = self.announced.insert(announcement.account.clone(), place.sequence).unwrap_or(0);
            assert!(last < place.sequence, "{} heard {last} before {place:?}", announcement.account);
            assert!(last <= place.previous, "{} was told {place:?} after {last}", announcement.account);
        }
    }

    /// Folds a batch that is lost before its commit.
    pub fn fold_in_vain(&self, count: usize) {
        fold(&self.state, self.id, &self.read(self.state.next, count), true);
    }

    pub fn flush(&mut self) {
        self.flushed = self.state.clone();
        self.expired.flushed(&|key| self.flushed.rows.get(key));
    }

    pub fn crash(&mut self) {
        self.state = self.flushed.clone();
        self.delivered.clear();
    }

    /// Takes some of the rows that a compaction may take, from what was flushed. What a later commit made of them is in memory.
    pub fn compact(&mut self, dice: &mut Dice) {
        let gone: Vec<_> = all(&self.flushed.rows)
            .into_iter()
            .filter(|(key, value)| self.expired.expired(key, value) && dice.percent(70))
            .collect();
        let changed =
            |(key, value): &&(Bytes, Bytes)| self.state.rows.get(key).unwrap().is_some_and(|now| now != value);
        let without = |rows: Vec<&(Bytes, Bytes)>| rows.iter().map(|(key, _)| (key.clone(), None::<Bytes>)).collect();
        let unchanged: Changes = without(gone.iter().filter(|row| !changed(row)).collect());
        self.state.rows.apply(&unchanged);
        let gone: Changes = without(gone.iter().collect());
        self.flushed.rows.apply(&gone);
    }

    /// Folds the log again up to where this home is, in batches of any size, with nobody listening.
    pub fn rebuild(&self, dice: &mut Dice) -> MapRows {
        let mut state = State::default();
        while state.next < self.state.next {
            let left = (self.state.next - state.next) as usize;
            let most = *dice.pick(&[1, 7, 60, 1_000]);
            let records = self.read(state.next, (1 + dice.below(most)).min(left));
            let (folded, changes, _) = fold(&state, self.id, &records, false);
            for (stored, folded) in records.iter().zip(folded) {
                assert!(folded.effects.iter().all(|effect| !matches!(effect, Effect::End(_))), "nobody listens");
                let answer = &self.answers[&stored.offset];
                assert_eq!(folded.verdict, *answer, "rebuild of {} at {}", self.id, stored.offset);
            }
            state.rows.apply(&changes);
            state.next += records.len() as u64;
        }
        state.rows
    }
}

/// A live one reads ahead, as an owner does; a rebuild reads its rows as it comes to them, and has to come to the same.
fn fold(state: &State, partition: u32, records: &[Stored], live: bool) -> (Vec<Folded>, Changes, MetaRow) {
    let mut fold = Fold::new(&state.rows, partition, live).unwrap();
    let decoded =
        |record: &Record| Envelope::decode(&record.key, record.time, &record.header, &record.payload).unwrap();
    let events: Vec<_> = records.iter().map(|stored| decoded(&stored.record)).collect();
    if live {
        fold.read_ahead(events.iter().map(|(envelope, event)| (envelope, event))).unwrap();
    }
    let folded = records
        .iter()
        .zip(&events)
        .map(|(stored, (envelope, event))| fold.apply(stored.offset, envelope, event).unwrap())
        .collect();
    let (changes, meta) = fold.finish();
    (folded, changes, meta)
}

pub fn meta_of(rows: &dyn Rows, partition: u32) -> MetaRow {
    get(rows, MetaRow::key().as_slice()).unwrap().unwrap_or_else(|| MetaRow::empty(partition))
}

/// Every row.
pub fn all(rows: &dyn Rows) -> Vec<(Bytes, Bytes)> {
    let mut found = Vec::new();
    let everything = KeyRange { from: Bound::Unbounded, until: Bound::Unbounded };
    rows.scan(everything, Direction::Forward, &mut |key, value| {
        found.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}
