//! The engine: partition workers that decide, append, fold, commit, answer and announce.
//!
//! ```text
//!  submit ──► queue ──► appender ──► log (sync) ──► folder ──► store (rows + place) ──► registry, then the answer
//!             bounded   decides early  one batch      judges again                         live devices
//!                                                        │ outbox row
//!                                                        └──► courier ──► log of the other partition
//! ```
//!
//! Each partition has an appender, a folder and a commit thread, so one batch is synced while the one before is folded and
//! the one before that is written ([`Pipeline`]). With several partitions each has a courier. A request is found again by
//! its event id when it is read back from the log.

mod appender;
mod cached;
pub mod courier;
mod error;
mod expiry;
mod folder;
mod hook;
mod ids;
mod open;
mod partition;
mod pipeline;
pub mod registry;
mod tap;
mod undecodable;
pub mod unreturned;

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use duolog_topics::{Account, Envelope, Event, LogId, Millis, PolicyChanged, SessionClosed, SessionEnd, partition_of};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::domain::rows::{MetaRow, RowsError};
use crate::domain::verdict::{Answer, Verdict};
use crate::domain::view::Mailbox;
use crate::limits;
use crate::log::{Log, Record};
use crate::store::Store;
use partition::{Committed, Partition, Request};

pub use appender::system_account;
pub use cached::CachedRows;
pub use error::EngineError;
pub use expiry::ExpiredRows;
pub use folder::FolderError;
pub use hook::{BeforeSend, Permission};
pub use ids::Ids;
pub use open::{OpenError, check_state};
pub use pipeline::{Pipeline, Writing};
pub use registry::{Live, LiveSession, Registry};
pub use tap::{Tap, consumers};
pub use undecodable::{Aside, or_undecodable};

#[cfg(test)]
mod tests;

/// How long a request waits for its verdict before it is answered "unknown".
const VERDICT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a command of the server API waits for the other homes that it touches.
const OTHER_HOMES_TIMEOUT: Duration = Duration::from_millis(500);

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

/// The partitions of this process. Cloning is cheap.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    partitions: Vec<Arc<Partition>>,
    registry: Arc<Registry>,
    clock: Clock,
    ids: Arc<Ids>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    hook: OnceLock<hook::Hook>,
}

impl Engine {
    /// Folds what the stores lack of the log, takes the partitions over in a new epoch, and starts their workers.
    ///
    /// # Errors
    /// [`OpenError`]: state and log do not belong together, or cannot be read. Nothing was started.
    pub fn open(parts: Parts, mut progress: impl FnMut(u32, u64, u64)) -> Result<Self, OpenError> {
        let Parts { log, stores, expiry, policy, node, clock, aside } = parts;
        let mut last_time = 0;
        for (id, store) in (0..).zip(&stores) {
            check_state(log.as_ref(), id, store.applied())?;
            last_time = last_time.max(open::committed_meta(store, id)?.time);
        }
        let shared = Shared {
            log,
            clock: clock.unwrap_or_else(|| Clock::anchored(last_time)),
            ids: Arc::new(Ids::from_system()),
            registry: Arc::default(),
            aside,
        };
        let takeover =
            open::Takeover { log_id: LogId::now_v7(), partitions: stores.len() as u32, node: &node, policy: &policy };
        let mut partitions = Vec::new();
        let mut workers = Vec::new();
        for (id, store) in (0..).zip(stores) {
            let (requests, receiver) = crossbeam_channel::bounded(limits::PARTITION_QUEUE);
            let expiry = expiry.get(id as usize).cloned();
            let partition = Arc::new(Partition::new(id, store, requests, expiry, &shared)?);
            let mut folder = folder::Folder::new(partition.clone());
            catch_up(&mut folder, &partition, &mut progress)?;
            open::check_partitions(&partition.meta(), takeover.partitions)?;
            takeover.append(&partition)?;
            catch_up(&mut folder, &partition, &mut progress)?;
            let appender = appender::Appender::new(partition.clone(), receiver, folder.reader());
            workers.push((folder, appender));
            partitions.push(partition);
        }
        let threads = start(workers, &partitions);
        let Shared { clock, ids, registry, .. } = shared;
        Ok(Self(Arc::new(Inner {
            partitions,
            registry,
            clock,
            ids,
            threads: Mutex::new(threads),
            hook: OnceLock::new(),
        })))
    }

    /// Judges, appends, folds, commits; the verdict. What touches many rows goes on in further records before it answers. A
    /// request that is not the client protocol's waits, for a while, for the other homes that it touches.
    ///
    /// # Errors
    /// [`EngineError::Busy`], [`EngineError::Hook`]: nothing was done. Others: it may have been.
    pub async fn submit(&self, account: &Account, event: Event) -> Result<Verdict, EngineError> {
        match (self.hook_for(&event), event) {
            // Boxed: without a hook nobody pays for its state.
            (Some(hook), Event::MessageSent(message)) => Box::pin(self.submit_asked(hook, account, message)).await,
            (_, event) => self.submit_unasked(account, event).await,
        }
    }

    async fn submit_unasked(&self, account: &Account, event: Event) -> Result<Verdict, EngineError> {
        let waits = !is_clients_send(&event);
        let again = goes_on(&event).then(|| Box::new(event.clone()));
        let mut asked = self.ask(account, event)?;
        loop {
            let Committed { verdict, carried } = answered(asked).await?;
            if verdict == Verdict::Applied(Answer::Partial) {
                // A kind that does not go on was answered "partial": the fold and `goes_on` disagree.
                let event = again.as_deref().ok_or(EngineError::Unknown)?;
                asked = self.ask(account, event.clone())?;
                continue;
            }
            if waits && !carried.is_empty() {
                Box::pin(self.wait_for_homes(account, &carried)).await;
            }
            return Ok(verdict);
        }
    }

    /// Submits what concerns all accounts, such as a push to them: to one home, always the same, which decides.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn submit_for_all(&self, event: Event) -> Result<Verdict, EngineError> {
        self.submit(&appender::system_account(), event).await
    }

    /// Puts an event into the queue of its home. Thousands of requests wait at a time, so none holds its event meanwhile.
    fn ask(&self, account: &Account, event: Event) -> Result<oneshot::Receiver<CommittedOr>, EngineError> {
        let home = self.home(account);
        if home.is_stopping() || home.has_failed() {
            return Err(EngineError::Stopped);
        }
        let (answer, verdict) = oneshot::channel();
        let request = Request { account: account.clone(), event, answer };
        if home.requests.try_send(request).is_err() {
            metrics::counter!("duolog_requests_busy_total").increment(1);
            return Err(EngineError::Busy);
        }
        Ok(verdict)
    }

    /// Waits until other homes have folded what was carried to them, or half a second.
    async fn wait_for_homes(&self, account: &Account, carried: &[(u32, u64)]) {
        let source = self.home(account).id;
        let all = async {
            for (destination, number) in carried {
                let target = &self.0.partitions[*destination as usize];
                loop {
                    let notified = target.committed.notified();
                    if target.arrived.lock().get(&source).is_some_and(|last| last >= number) {
                        break;
                    }
                    notified.await;
                }
            }
        };
        let _ = tokio::time::timeout(OTHER_HOMES_TIMEOUT, all).await;
    }

    /// Runs a query on the committed rows of an account's home: a view that holds still, and that shows everything that was
    /// answered before. Runs on the blocking pool.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub async fn read<T, F>(&self, account: &Account, query: F) -> Result<T, EngineError>
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>) -> Result<T, RowsError> + Send + 'static,
    {
        let home = self.home(account).clone();
        blocking(move || home.query(query)).await
    }

    /// Runs a query for each account, each in its home; the results in the order of the accounts.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub async fn read_each<T, F>(&self, accounts: Vec<Account>, query: F) -> Result<Vec<T>, EngineError>
    where
        T: Send + 'static,
        F: Fn(&Mailbox<'_>, &Account) -> Result<T, RowsError> + Send + Sync + 'static,
    {
        let engine = self.clone();
        blocking(move || {
            accounts.iter().map(|account| engine.home(account).query(|mailbox| query(mailbox, account))).collect()
        })
        .await
    }

    /// Remembers how far a device has come. The log learns of it within a second, and before the account's next login.
    pub fn advance_cursor(&self, account: &Account, device: &str, sequence: u64) {
        let mut cursors = self.home(account).cursors.lock();
        let cursor = cursors.entry((account.clone(), device.to_owned())).or_default();
        *cursor = sequence.max(*cursor);
    }

    /// Records that a link is gone, without waiting for the verdict.
    pub fn session_ended(&self, end: SessionEnd) {
        let engine = self.clone();
        let account = end.account.clone();
        tokio::spawn(async move {
            let closed = SessionClosed { sessions: vec![end] };
            if let Err(error) = engine.submit(&account, closed.into()).await {
                tracing::debug!("end of a session was not recorded: {error}");
            }
        });
    }

    /// The policy that holds now.
    pub fn policy(&self) -> PolicyChanged {
        self.0.partitions[0].policy()
    }

    /// The appender's clock.
    pub fn now(&self) -> Millis {
        self.0.clock.now()
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.0.registry
    }

    pub fn random(&self) -> u64 {
        self.0.ids.number()
    }

    pub fn new_session(&self) -> String {
        self.0.ids.session(self.now())
    }

    pub fn log_id(&self) -> LogId {
        self.0.partitions[0].log_id()
    }

    /// Whether every partition gives verdicts.
    pub fn is_ready(&self) -> bool {
        self.0.partitions.iter().all(|partition| !partition.has_failed() && !partition.is_stopping())
    }

    /// The stores, for checkpoints: (partition, epoch, store).
    pub fn stores(&self) -> impl Iterator<Item = (u32, u64, &Store)> {
        self.0.partitions.iter().map(|partition| (partition.id, partition.epoch(), &partition.store))
    }

    /// Takes no more requests, lets the log's records be folded, flushes the rows and ends the threads.
    pub fn stop(&self) {
        for partition in &self.0.partitions {
            let cursors = partition.take_cursors(None);
            if !cursors.is_empty() {
                let (answer, _) = oneshot::channel();
                let event = duolog_topics::CursorsAdvanced { cursors }.into();
                let account = appender::system_account();
                let _ = partition.requests.try_send(Request { account, event, answer });
            }
        }
        while self.0.partitions.iter().any(|partition| !partition.is_idle()) {
            std::thread::sleep(Duration::from_millis(2));
        }
        for partition in &self.0.partitions {
            partition.stopping.store(true, Ordering::Release);
            partition.log.wake(partition.id);
            partition.wake_appender();
        }
        for thread in self.0.threads.lock().drain(..) {
            let _ = thread.join();
        }
        for partition in &self.0.partitions {
            if let Err(error) = partition.store.flush() {
                tracing::warn!(
                    partition = partition.id,
                    "rows were not flushed, the next start folds them again: {error}"
                );
            }
        }
    }

    fn home(&self, account: &Account) -> &Arc<Partition> {
        let count = self.0.partitions.len() as u32;
        &self.0.partitions[partition_of(account.as_bytes(), count) as usize]
    }
}

/// What the partitions of an engine have in common.
struct Shared {
    log: Arc<dyn Log>,
    clock: Clock,
    ids: Arc<Ids>,
    registry: Arc<Registry>,
    aside: Option<Arc<dyn Aside>>,
}

/// Starts the threads: two a partition and, if there are several, a courier for each.
fn start(workers: Vec<(folder::Folder, appender::Appender)>, partitions: &[Arc<Partition>]) -> Vec<JoinHandle<()>> {
    let mut threads = Vec::new();
    for ((folder, appender), partition) in workers.into_iter().zip(partitions) {
        threads.push(spawn("append", partition.id, move || appender.run()));
        threads.push(spawn("fold", partition.id, move || folder.run()));
        if partitions.len() > 1 {
            let courier = courier::Courier::new(partition.clone(), partitions.to_vec());
            threads.push(spawn("courier", partition.id, move || courier.run()));
        }
    }
    threads
}

/// Folds everything that is durable, before the workers start.
fn catch_up(
    folder: &mut folder::Folder,
    partition: &Partition,
    progress: &mut impl FnMut(u32, u64, u64),
) -> Result<(), OpenError> {
    let end = partition.log.bounds(partition.id)?.high_watermark;
    while folder.fold_available()? > 0 {
        progress(partition.id, partition.watermark.load(Ordering::Acquire), end);
    }
    folder.settle()?;
    Ok(())
}

type CommittedOr = Result<Committed, EngineError>;

async fn answered(asked: oneshot::Receiver<CommittedOr>) -> CommittedOr {
    match tokio::time::timeout(VERDICT_TIMEOUT, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(EngineError::Unknown),
    }
}

/// Whether a record of this kind may do its work in parts.
fn goes_on(event: &Event) -> bool {
    matches!(event, Event::ConversationRead(_) | Event::AccountDeleted(_) | Event::AccountImported(_))
}

fn is_clients_send(event: &Event) -> bool {
    matches!(event, Event::MessageSent(sent) if sent.content.origin == duolog_topics::Origin::Client)
}

fn spawn(what: &str, partition: u32, run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let name = format!("{what}-{partition}");
    std::thread::Builder::new().name(name).spawn(run).expect("the system can start the threads of a partition")
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, RowsError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(run).await {
        Ok(result) => result.map_err(EngineError::from),
        Err(_) => Err(EngineError::Stopped),
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
    fn query<T>(&self, query: impl FnOnce(&Mailbox<'_>) -> Result<T, RowsError>) -> Result<T, RowsError> {
        let view = self.store.view();
        let meta: Arc<MetaRow> = open::committed_meta(&view, self.id)?;
        query(&Mailbox::new(&view, &meta))
    }

    /// Whether nothing waits to be appended or folded.
    fn is_idle(&self) -> bool {
        let folded = || {
            let end = self.log.bounds(self.id).map_or(0, |bounds| bounds.high_watermark);
            self.watermark.load(Ordering::Acquire) >= end
        };
        self.has_failed() || self.requests.is_empty() && self.pending.lock().is_empty() && folded()
    }
}
