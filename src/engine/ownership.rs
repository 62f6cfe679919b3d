//! Partitions come and go: taken over, let go, or lost to a later owner.
//!
//! ```text
//!  take_over: state belongs to the log? ─► fold what it lacks ─► append owner.changed ─► folded and applied? ─► workers
//!  let_go:    consumers end ─► decide no more ─► cursors are appended ─► all that was is folded ─► threads end ─► flushed
//!  fenced:    the fold reads a later owner's record ─► nothing more is decided, at once
//! ```
//!
//! An owner is who has read its own `owner.changed` back and found it applied. Two that try at once write the same epoch;
//! the first record wins, the other one finds itself superseded. Every record of an owner carries its epoch and counts only
//! under it, so an owner that was paused and wakes up can append, but never ack.

use std::ops::RangeTo;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use duolog_topics::LogId;
use tokio::sync::oneshot;

use super::appender::Appender;
use super::courier::Courier;
use super::folder::Folder;
use super::open::{Claim, Takeover, check_partitions};
use super::partition::Partition;
use super::{Engine, ExpiredRows, OpenError, check_state};
use crate::limits;
use crate::log::LogError;
use crate::store::Store;

/// How long an owner waits to read its own record back.
const CLAIM_TIME: Duration = Duration::from_secs(20);
/// The same, if it may not be in the log.
const UNKNOWN_TIME: Duration = Duration::from_millis(500);
/// How long a partition that is let go waits for what was appended to be folded.
const SETTLE_TIME: Duration = Duration::from_secs(5);
/// How long it waits before that for the consumers of its log: as long as they wait for tries that are under way, and a
/// little longer.
const LEAVE_TIME: Duration = Duration::from_secs(4);
/// How often that is looked at.
const POLL: Duration = Duration::from_millis(2);
/// The appender is the first of a partition's threads.
const APPENDER: RangeTo<usize> = ..1;
const ALL: RangeTo<usize> = ..usize::MAX;

impl Engine {
    /// Takes a partition over: folds what its store lacks, appends `owner.changed` under the next epoch, and owns the
    /// partition once that record is folded and applied. Blocks, as long as the fold takes. Gives the epoch. `progress`
    /// hears partition, place and end of the fold, and says whether the partition is still wanted.
    ///
    /// # Errors
    /// [`OpenError`]; the partition is not owned then, and the store may be used for another try.
    pub fn take_over(
        &self,
        id: u32,
        store: Store,
        expiry: Option<Arc<ExpiredRows>>,
        progress: &mut dyn FnMut(u32, u64, u64) -> bool,
    ) -> Result<u64, OpenError> {
        check_state(self.0.common.log.as_ref(), id, store.applied())?;
        let (requests, receiver) = crossbeam_channel::bounded(limits::PARTITION_QUEUE);
        let partition = Arc::new(Partition::new(id, store, requests, expiry, &self.0.common)?);
        let mut folder = Folder::new(partition.clone());
        catch_up(&mut folder, &partition, progress)?;
        check_partitions(&partition.meta(), self.0.common.log.partitions())?;
        let epoch = self.claim(&partition, &mut folder)?;
        catch_up(&mut folder, &partition, progress)?;
        if partition.epoch() != epoch {
            return Err(OpenError::Overtaken { partition: id });
        }
        partition.owned.store(epoch, Ordering::Release);
        let appender = Appender::new(partition.clone(), receiver);
        self.start(&partition, folder, appender);
        *self.0.homes[id as usize].write() = Some(partition);
        self.moved();
        Ok(epoch)
    }

    /// Appends what makes this process the owner, and folds until it has read that back.
    fn claim(&self, partition: &Partition, folder: &mut Folder) -> Result<u64, OpenError> {
        let common = &self.0.common;
        let takeover = Takeover {
            log_id: super::open::log_id(partition, LogId::now_v7())?,
            partitions: common.log.partitions(),
            node: &common.node,
            policy: &common.policy,
        };
        let Claim { epoch, mut verdict, appended } = takeover.append(partition);
        let patience = match appended {
            Ok(()) => CLAIM_TIME,
            // It may have been written: then it is read back, or the next claim meets it.
            Err(LogError::Unknown(_)) => UNKNOWN_TIME,
            Err(error) => return Err(error.into()),
        };
        let deadline = Instant::now() + patience;
        loop {
            match verdict.try_recv() {
                Ok(Ok(committed)) if committed.verdict.is_applied() => return Ok(epoch),
                Err(oneshot::error::TryRecvError::Empty) if Instant::now() < deadline => {}
                Err(oneshot::error::TryRecvError::Empty) => {
                    return Err(OpenError::Unclaimed { partition: partition.id });
                }
                _ => return Err(OpenError::Overtaken { partition: partition.id }),
            }
            if folder.fold_available()? == 0 {
                let next = partition.watermark.load(Ordering::Acquire);
                partition.log.wait(partition.id, next, Duration::from_millis(100))?;
            }
        }
    }

    /// Starts the threads: an appender, a folder and, where there are several partitions, a courier.
    fn start(&self, partition: &Arc<Partition>, folder: Folder, appender: Appender) {
        let mut threads = partition.threads.lock();
        threads.push(spawn("append", partition.id, move || appender.run()));
        let (inner, folded) = (Arc::downgrade(&self.0), partition.clone());
        threads.push(spawn("fold", partition.id, move || {
            folder.run();
            if let Some(inner) = inner.upgrade().filter(|_| folded.is_fenced()) {
                Engine(inner).fenced(&folded);
            }
        }));
        if self.0.homes.len() > 1 {
            let courier = Courier::new(partition.clone(), Arc::downgrade(&self.0));
            threads.push(spawn("courier", partition.id, move || courier.run()));
        }
    }

    /// On the folder's thread, its last act: the partition is gone, unless somebody is letting it go at this moment.
    fn fenced(&self, partition: &Arc<Partition>) {
        let mut home = self.0.homes[partition.id as usize].write();
        if home.as_ref().is_some_and(|owned| Arc::ptr_eq(owned, partition)) {
            *home = None;
        }
        drop(home);
        self.move_sessions(partition.id);
        self.moved();
    }

    /// Lets a partition go: the consumers of its log come to an end, while it still serves; then nothing more is decided, the
    /// appender writes what nobody waits for, such as cursors, what was appended is folded, the rows are flushed. After this
    /// returns nothing of this process is appended to it but what other partitions carry to it. Blocks. Without effect on one
    /// that is not owned.
    pub fn let_go(&self, id: u32) {
        if let Some(partition) = self.owned(id) {
            partition.leave();
        }
        let Some(partition) = self.0.homes[id as usize].write().take() else { return };
        self.moved();
        partition.end_appender();
        partition.wait_until(Instant::now() + SETTLE_TIME, Partition::has_answered);
        self.close(&partition);
        self.move_sessions(id);
    }

    /// Takes no more requests, lets the log's records be folded, flushes the rows and ends the threads.
    pub fn stop(&self) {
        let owned = self.owned_partitions();
        let deadline = Instant::now() + SETTLE_TIME;
        owned.iter().for_each(|partition| partition.wait_until(deadline, Partition::is_idle));
        // What an appender has in its hands waits nowhere: its end writes that, too.
        owned.iter().for_each(|partition| partition.end_appender());
        owned.iter().for_each(|partition| partition.wait_until(deadline, Partition::has_answered));
        owned.iter().for_each(|partition| partition.end());
        owned.iter().for_each(|partition| self.close(partition));
        self.0.stopped.store(true, Ordering::Release);
    }

    fn close(&self, partition: &Partition) {
        partition.end();
        partition.join(ALL);
        partition.give_up_pending();
        if let Err(error) = partition.store.flush() {
            tracing::warn!(partition = partition.id, "rows were not flushed, the next start folds them again: {error}");
        }
    }

    /// Sessions end with their epoch; their clients are told to come again.
    fn move_sessions(&self, id: u32) {
        self.0.common.registry.move_away(|account| self.partition_of(account) == id);
    }
}

impl Partition {
    /// Lets the consumers of the log end and record how far they have come; waits for it, for a while.
    fn leave(&self) {
        self.leaving.send_replace(true);
        let deadline = Instant::now() + LEAVE_TIME;
        while self.readers.load(Ordering::Acquire) > 0 && !self.is_stopping() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }

    /// Takes no more requests, and waits until the appender has written what nobody waits for, such as cursors.
    fn end_appender(&self) {
        self.moved.store(true, Ordering::Release);
        self.wake_appender();
        self.join(APPENDER);
    }

    /// Whether nobody waits for a record that was appended.
    fn has_answered(&self) -> bool {
        self.pending.lock().is_empty()
    }

    fn wait_until(&self, deadline: Instant, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) && !self.is_stopping() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }

    /// Waits for the first of the threads, which end.
    fn join(&self, threads: RangeTo<usize>) {
        let mut running = self.threads.lock();
        let count = threads.end.min(running.len());
        for thread in running.drain(..count) {
            let _ = thread.join();
        }
    }
}

/// Folds everything that is durable, before the workers start.
fn catch_up(
    folder: &mut Folder,
    partition: &Partition,
    progress: &mut dyn FnMut(u32, u64, u64) -> bool,
) -> Result<(), OpenError> {
    let end = partition.log.bounds(partition.id)?.high_watermark;
    loop {
        let folded = folder.fold_available()?;
        if !progress(partition.id, partition.watermark.load(Ordering::Acquire), end) {
            return Err(OpenError::Unwanted { partition: partition.id });
        }
        if folded == 0 {
            return Ok(());
        }
    }
}

fn spawn(what: &str, partition: u32, run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let name = format!("{what}-{partition}");
    std::thread::Builder::new().name(name).spawn(run).expect("the system can start the threads of a partition")
}
