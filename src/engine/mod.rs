//! The engine: partition workers that decide, append, fold, commit, answer and announce.
//!
//! ```text
//!  submit ──► queue ──► appender ──► log (sync) ──► folder ──► store (rows + place) ──► registry, then the answer
//!             bounded   decides early  one batch      judges again                         live devices
//!                                                        │ outbox row
//!                                                        └──► courier ──► log of the other partition
//! ```
//!
//! Each partition has an appender and a folder, so one batch is synced while the one before is folded; with several partitions
//! each has a courier. A request is found again by its event id when it is read back from the log.
//!
//! Partitions come and go (`ownership`); what is not owned here is asked of who owns it (`peers`), and what others ask is
//! answered (`answer`). To callers there is no difference but time.

mod answer;
mod appender;
pub mod courier;
mod error;
mod expiry;
mod folder;
mod hook;
mod ids;
mod open;
mod ownership;
mod partition;
pub mod peers;
mod query;
pub mod registry;
mod remote;
mod submit;
mod tap;
mod undecodable;
pub mod unreturned;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use duolog_topics::{Account, Envelope, Event, LogId, Millis, PolicyChanged, SessionClosed, SessionEnd, partition_of};
use parking_lot::RwLock;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::verdict::Verdict;
use crate::log::{Log, Record};
use crate::store::Store;
use partition::Partition;
use peers::Peers;

pub use appender::system_account;
pub use error::EngineError;
pub use expiry::ExpiredRows;
pub use folder::FolderError;
pub use hook::{BeforeSend, Permission};
pub use ids::Ids;
pub use open::{OpenError, check_state};
pub use registry::{Live, LiveSession, Registry};
pub use tap::{Reading, Tap, consumers};
pub use undecodable::{Aside, or_undecodable};

#[cfg(test)]
mod tests;

/// What an engine is opened with.
pub struct Parts {
    pub log: Arc<dyn Log>,
    /// One store a partition, in their order.
    pub stores: Vec<Store>,
    /// Follows the horizons, one for each store.
    pub expiry: Vec<Arc<ExpiredRows>>,
    pub policy: PolicyChanged,
    pub node: String,
    /// A manual clock for tests; absent: anchored to the wall clock.
    pub clock: Option<Clock>,
    /// Who keeps copies of records that no version of the fold can decode; absent: they are only counted.
    pub aside: Option<Arc<dyn Aside>>,
}

/// What an engine begins with that owns nothing yet.
pub struct Common {
    pub log: Arc<dyn Log>,
    pub policy: PolicyChanged,
    /// The node's name.
    pub node: String,
    pub clock: Clock,
    pub ids: Arc<Ids>,
    pub registry: Arc<Registry>,
    /// Who keeps copies of records that no version of the fold can decode; absent: they are only counted.
    pub aside: Option<Arc<dyn Aside>>,
    /// Who owns what this process does not; absent if it owns everything.
    pub peers: Option<Arc<dyn Peers>>,
}

#[cfg(test)]
impl Common {
    /// For tests: a node alone, whose clock stands still.
    pub fn of(log: Arc<dyn Log>) -> Self {
        Self {
            log,
            policy: PolicyChanged { revision: 1, ..PolicyChanged::default() },
            node: "node".to_owned(),
            clock: Clock::manual(1_700_000_000_000),
            ids: Arc::new(Ids::from_system()),
            registry: Arc::default(),
            aside: None,
            peers: None,
        }
    }
}

/// The partitions of one log: those that this process owns, and through its peers all others. Cloning is cheap.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    common: Common,
    /// By partition; absent where it is not owned here.
    homes: Box<[RwLock<Option<Arc<Partition>>>]>,
    /// Views that other nodes read from.
    views: answer::Views,
    /// Counts partitions that came or went.
    moves: watch::Sender<u64>,
    runtime: Option<Handle>,
    /// Its runtime may end at any moment.
    stopped: AtomicBool,
    hook: OnceLock<hook::Hook>,
}

impl Engine {
    /// An engine that owns nothing: partitions are taken over one by one. Inside a runtime if it has peers.
    pub fn new(common: Common) -> Self {
        let homes = (0..common.log.partitions()).map(|_| RwLock::default()).collect();
        let (views, moves, hook) = (answer::Views::default(), watch::Sender::new(0), OnceLock::new());
        let (runtime, stopped) = (Handle::try_current().ok(), AtomicBool::default());
        Self(Arc::new(Inner { common, homes, views, moves, runtime, stopped, hook }))
    }

    /// An engine that owns every partition: folds what the stores lack of the log, takes the partitions over in a new
    /// epoch, and starts their workers.
    ///
    /// # Errors
    /// [`OpenError`]: state and log do not belong together, or cannot be read. What was started is stopped again.
    pub fn open(parts: Parts, mut progress: impl FnMut(u32, u64, u64)) -> Result<Self, OpenError> {
        let Parts { log, stores, expiry, policy, node, clock, aside } = parts;
        let mut last_time = 0;
        for (id, store) in (0..).zip(&stores) {
            check_state(log.as_ref(), id, store.applied())?;
            last_time = last_time.max(open::committed_meta(store, id)?.time);
        }
        let clock = clock.unwrap_or_else(|| Clock::anchored(last_time));
        let (ids, registry) = (Arc::new(Ids::from_system()), Arc::default());
        let engine = Self::new(Common { log, policy, node, clock, ids, registry, aside, peers: None });
        let mut progress = |partition, folded, end| {
            progress(partition, folded, end);
            true
        };
        for (id, store) in (0..).zip(stores) {
            let expiry = expiry.get(id as usize).cloned();
            if let Err(error) = engine.take_over(id, store, expiry, &mut progress) {
                engine.stop();
                return Err(error);
            }
        }
        Ok(engine)
    }

    /// Submits what concerns all accounts, such as a push to them: to one home, always the same, which decides.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn submit_for_all(&self, event: Event) -> Result<Verdict, EngineError> {
        self.submit(&appender::system_account(), event).await
    }

    /// Remembers how far a device has come. The log learns of it within a second, and before the account's next login.
    pub fn advance_cursor(&self, account: &Account, device: &str, sequence: u64) {
        // Sessions are where their home is; when it has moved, the device comes again and says where it stands.
        let Some(home) = self.owned(self.partition_of(account)) else { return };
        home.advance_cursor(account.clone(), device.to_owned(), sequence);
    }

    /// Records that a link is gone: not at once while the log takes nothing, but as long as its home is owned here. A session
    /// whose home has moved has ended with its epoch.
    pub fn session_ended(&self, end: SessionEnd) {
        let Some(home) = self.owned(self.partition_of(&end.account)) else { return };
        home.go_on(end.account.clone(), SessionClosed { sessions: vec![end] }.into());
    }

    /// The policy that holds now, as far as this process knows.
    pub fn policy(&self) -> PolicyChanged {
        let folded = self.owned_partitions().into_iter().map(|partition| partition.policy());
        folded.max_by_key(|policy| policy.revision).unwrap_or_else(|| self.0.common.policy.clone())
    }

    /// The appender's clock.
    pub fn now(&self) -> Millis {
        self.0.common.clock.now()
    }

    pub fn clock(&self) -> &Clock {
        &self.0.common.clock
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.0.common.registry
    }

    pub fn random(&self) -> u64 {
        self.0.common.ids.number()
    }

    pub fn new_session(&self) -> String {
        self.0.common.ids.session(self.now())
    }

    /// The log's id; nil in a process that owns nothing.
    pub fn log_id(&self) -> LogId {
        self.owned_partitions().first().map_or_else(LogId::nil, |partition| partition.log_id())
    }

    /// Whether every partition of the log is owned here and gives verdicts.
    pub fn owns_all(&self) -> bool {
        self.owns().len() == self.0.homes.len()
    }

    /// Whether the account's home is owned here.
    pub fn is_home_of(&self, account: &Account) -> bool {
        self.owned(self.partition_of(account)).is_some()
    }

    /// The number of the account's home.
    pub fn partition_of(&self, account: &Account) -> u32 {
        partition_of(account.as_bytes(), self.0.homes.len() as u32)
    }

    /// The stores of the partitions that are owned here, for checkpoints: (partition, epoch, store).
    pub fn stores(&self) -> impl Iterator<Item = (u32, u64, Store)> {
        self.owned_partitions().into_iter().map(|partition| (partition.id, partition.epoch(), partition.store.clone()))
    }

    /// The partitions that are owned here and give verdicts, with their epochs.
    pub fn owns(&self) -> BTreeMap<u32, u64> {
        let owned = self.owned_partitions();
        let serving = owned.iter().filter(|partition| partition.closed().is_none());
        serving.map(|partition| (partition.id, partition.owned_epoch())).collect()
    }

    /// Changes whenever a partition is taken over, let go, or lost to a later owner.
    pub fn moves(&self) -> watch::Receiver<u64> {
        self.0.moves.subscribe()
    }

    fn owned(&self, partition: u32) -> Option<Arc<Partition>> {
        let home = self.0.homes.get(partition as usize)?.read().clone();
        // One that is fenced leaves its place a moment later.
        home.filter(|home| !home.has_moved())
    }

    fn owned_partitions(&self) -> Vec<Arc<Partition>> {
        self.0.homes.iter().filter_map(|home| home.read().clone()).collect()
    }

    /// A partition came or went.
    fn moved(&self) {
        metrics::gauge!("duolog_partitions_owned").set(self.owned_partitions().len() as f64);
        self.0.moves.send_modify(|count| *count += 1);
    }

    /// For threads that wait for other nodes.
    fn runtime(&self) -> Result<&Handle, EngineError> {
        if self.0.stopped.load(Ordering::Acquire) {
            return Err(EngineError::Stopped);
        }
        self.0.runtime.as_ref().ok_or(EngineError::NotOwner { epoch: 0 })
    }
}

/// An event as the log's record.
pub fn record_of(envelope: &Envelope, event: &Event) -> Record {
    Record {
        key: Bytes::copy_from_slice(envelope.account.as_bytes()),
        time: envelope.time,
        header: envelope.encode_header(event).into(),
        payload: event.encode().into(),
    }
}

/// Whether another program has written a record. It says nothing that a fold could judge, so it is passed over, at every
/// fold alike; only a log that others can write to has such records.
pub fn is_foreign(record: &Record) -> bool {
    record.header.is_empty()
}

impl Partition {
    /// Whether nothing waits to be appended or folded.
    fn is_idle(&self) -> bool {
        let folded = || {
            let end = self.log.bounds(self.id).map_or(0, |bounds| bounds.high_watermark);
            self.watermark.load(Ordering::Acquire) >= end
        };
        let nothing_waits = || self.requests.is_empty() && self.unfinished.lock().is_empty();
        self.has_failed() || nothing_waits() && self.pending.lock().is_empty() && folded()
    }
}
