use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::Sender;
use duolog_topics::{Account, CursorAdvance, Event, EventId, LogId, Millis, PolicyChanged};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, oneshot, watch};

use super::EngineError;
use super::ids::Ids;
use super::registry::Registry;
use super::undecodable::Aside;
use crate::clock::Clock;
use crate::domain::rows::{MetaRow, RowsError};
use crate::domain::verdict::Verdict;
use crate::limits;
use crate::log::Log;
use crate::store::Store;

/// A request on its way to a verdict.
pub(super) struct Request {
    pub account: Account,
    pub event: Event,
    /// Absent: nobody waits, and it has to be done whatever an append meets.
    pub answer: Option<Answering>,
}

pub(super) type Answering = oneshot::Sender<Result<Committed, EngineError>>;

/// A verdict, and what its record left in the outbox: (destination, number).
#[derive(Debug)]
pub(super) struct Committed {
    pub verdict: Verdict,
    pub carried: Vec<(u32, u64)>,
}

/// A record that was appended here and is not folded yet: it is found by its id when it is read back.
pub(super) struct Pending {
    pub event: Event,
    pub answer: Option<Answering>,
}

/// What the threads of one partition share with its callers.
pub(super) struct Partition {
    pub id: u32,
    pub log: Arc<dyn Log>,
    pub store: Store,
    pub requests: Sender<Request>,
    pub pending: Mutex<HashMap<EventId, Pending>>,
    /// Cursors that devices have reached and the log does not know yet.
    pub cursors: Mutex<BTreeMap<(Account, String), u64>>,
    pub registry: Arc<Registry>,
    pub clock: Clock,
    pub ids: Arc<Ids>,
    /// The partition's own row after the last commit.
    pub meta: RwLock<Arc<MetaRow>>,
    /// The offset after the last folded record.
    pub watermark: AtomicU64,
    /// The last carried number applied here, by source partition.
    pub arrived: Mutex<HashMap<u32, u64>>,
    /// Outbox rows that their destinations have: (destination, first, last). The fold's next commit deletes them.
    pub delivered: Mutex<Vec<(u32, u64, u64)>>,
    /// Told after each commit.
    pub committed: Notify,
    /// Wakes the courier.
    pub outbox: (crossbeam_channel::Sender<()>, crossbeam_channel::Receiver<()>),
    /// What has to be done and nobody waits for, where the queue had no room for it or an append failed.
    pub unfinished: Mutex<VecDeque<(Account, Event)>>,
    pub stopping: AtomicBool,
    /// The epoch under which this process writes; 0 until the partition is taken over.
    pub owned: AtomicU64,
    /// Set for good when the partition is let go, or another node owns it.
    pub moved: AtomicBool,
    /// True from the moment on that consumers of the log have to come to an end.
    pub leaving: watch::Sender<bool>,
    /// How many of them are still at work.
    pub readers: AtomicUsize,
    pub threads: Mutex<Vec<JoinHandle<()>>>,
    /// Where compactions learn of the horizons.
    pub expiry: Option<Arc<super::ExpiredRows>>,
    pub failed: AtomicBool,
    /// Who keeps copies of records that nobody can decode.
    pub aside: Option<Arc<dyn Aside>>,
}

impl Partition {
    /// A partition at the place of its store; its workers are not started yet.
    ///
    /// # Errors
    /// If its own row cannot be read.
    pub fn new(
        id: u32,
        store: Store,
        requests: Sender<Request>,
        expiry: Option<Arc<super::ExpiredRows>>,
        common: &super::Common,
    ) -> Result<Self, RowsError> {
        let meta = super::open::committed_meta(&store, id)?;
        let folded = store.applied().map_or(0, |applied| applied.next);
        if let Some(expiry) = &expiry {
            let needed = super::consumers(&store)?.iter().filter_map(|(_, row)| row.needs_from()).min();
            expiry.hold_from(needed.unwrap_or(u64::MAX));
        }
        Ok(Self {
            id,
            log: common.log.clone(),
            store,
            requests,
            pending: Mutex::default(),
            cursors: Mutex::default(),
            registry: common.registry.clone(),
            clock: common.clock.clone(),
            ids: common.ids.clone(),
            meta: RwLock::new(meta),
            watermark: folded.into(),
            arrived: Mutex::default(),
            delivered: Mutex::default(),
            committed: Notify::new(),
            outbox: crossbeam_channel::bounded(1),
            unfinished: Mutex::default(),
            stopping: false.into(),
            owned: 0.into(),
            moved: false.into(),
            leaving: watch::Sender::new(false),
            readers: 0.into(),
            threads: Mutex::default(),
            expiry,
            failed: false.into(),
            aside: common.aside.clone(),
        })
    }

    pub fn meta(&self) -> Arc<MetaRow> {
        self.meta.read().clone()
    }

    pub fn policy(&self) -> PolicyChanged {
        self.meta.read().policy.clone()
    }

    /// The time of the next record, Unix milliseconds. It does not go back where an earlier owner's clock was ahead.
    pub fn now(&self) -> Millis {
        self.clock.now().max(self.meta.read().time)
    }

    pub fn epoch(&self) -> u64 {
        self.meta.read().epoch
    }

    /// The epoch that this process's records carry: not that of the rows, which may show a later owner by now.
    pub fn owned_epoch(&self) -> u64 {
        self.owned.load(Ordering::Acquire)
    }

    pub fn log_id(&self) -> LogId {
        self.meta.read().log_id
    }

    /// Whether the partition is another node's, or soon will be: nothing more is decided here.
    pub fn has_moved(&self) -> bool {
        self.moved.load(Ordering::Acquire)
    }

    /// Whether a later owner's record was folded here.
    pub fn is_fenced(&self) -> bool {
        let owned = self.owned_epoch();
        owned != 0 && self.epoch() > owned
    }

    /// After each commit: a record of a later owner ends this one's work at once. Whoever waits learns that his request's
    /// fate is unknown: its record, if it comes after that owner's, changes nothing.
    pub fn fence(&self) {
        if !self.is_fenced() || self.is_stopping() {
            return;
        }
        tracing::warn!(
            partition = self.id,
            epoch = self.epoch(),
            owned = self.owned_epoch(),
            "another node owns the partition now"
        );
        metrics::counter!("duolog_partitions_fenced_total").increment(1);
        self.moved.store(true, Ordering::Release);
        self.end();
        self.give_up_pending();
    }

    /// Whether the appender has nothing more to do.
    pub fn appends_no_more(&self) -> bool {
        self.is_stopping() || self.has_moved()
    }

    /// Tells the threads to end.
    pub fn end(&self) {
        self.stopping.store(true, Ordering::Release);
        self.leaving.send_replace(true);
        self.log.wake(self.id);
        self.wake_appender();
    }

    /// Why a request is not taken, if it is not.
    pub fn closed(&self) -> Option<EngineError> {
        if self.has_moved() {
            Some(EngineError::NotOwner { epoch: self.epoch() })
        } else {
            (self.is_stopping() || self.has_failed()).then_some(EngineError::Stopped)
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Makes an appender that waits for requests look around; what it gets has no effect once the partition stops.
    pub fn wake_appender(&self) {
        let (account, event) = (super::appender::system_account(), duolog_topics::Tick {}.into());
        // A full queue wakes it as well.
        let _ = self.requests.try_send(Request { account, event, answer: None });
    }

    /// Queues what has to be done and nobody waits for. If the queue is full the appender is at work, and finds it when it
    /// looks for records of its own.
    pub fn go_on(&self, account: Account, event: Event) {
        if let Err(full) = self.requests.try_send(Request { account, event, answer: None }) {
            let Request { account, event, .. } = full.into_inner();
            self.leave_unfinished(account, event);
        }
    }

    /// Keeps what nobody waits for until the log takes it. If it takes nothing for so long that there is no room, the oldest
    /// goes: the end of a session that its device has followed with others.
    pub fn leave_unfinished(&self, account: Account, event: Event) {
        let mut unfinished = self.unfinished.lock();
        if unfinished.len() == limits::UNFINISHED {
            unfinished.pop_front();
            metrics::counter!("duolog_unfinished_dropped_total").increment(1);
        }
        unfinished.push_back((account, event));
    }

    /// Whether the partition gives no more verdicts.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Stops the partition for good: who waits learns that his request's fate is unknown.
    pub fn fail(&self, what: &dyn std::fmt::Display) {
        if self.failed.swap(true, Ordering::AcqRel) {
            return;
        }
        tracing::error!(partition = self.id, "partition stops: {what}");
        metrics::counter!("duolog_partition_failures_total").increment(1);
        self.give_up_pending();
    }

    /// Whoever waits for a record to be read back learns that he will not hear.
    pub fn give_up_pending(&self) {
        for (_, pending) in self.pending.lock().drain() {
            if let Some(answer) = pending.answer {
                let _ = answer.send(Err(EngineError::Unknown));
            }
        }
    }

    /// Notes how far a device has come.
    pub fn advance_cursor(&self, account: Account, device: String, sequence: u64) {
        let mut cursors = self.cursors.lock();
        let cursor = cursors.entry((account, device)).or_default();
        *cursor = sequence.max(*cursor);
    }

    /// Takes cursors that wait, those of one account or as many as a record holds.
    pub fn take_cursors(&self, account: Option<&Account>) -> Vec<CursorAdvance> {
        let mut cursors = self.cursors.lock();
        let from = account.map(|account| (account.clone(), String::new()));
        let waiting = cursors.range((from.map_or(Bound::Unbounded, Bound::Included), Bound::Unbounded));
        let chosen: Vec<_> = waiting
            .map(|(key, _)| key)
            .take_while(|(owner, _)| account.is_none_or(|account| account == owner))
            .take(limits::CURSORS_IN_RECORD)
            .cloned()
            .collect();
        chosen
            .into_iter()
            .filter_map(|key| {
                let sequence = cursors.remove(&key)?;
                Some(CursorAdvance { account: key.0, device: key.1, sequence })
            })
            .collect()
    }
}
