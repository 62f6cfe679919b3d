//! Consumers run where partitions are owned: they start in each partition that comes, and end with it when it goes.
//!
//! ```text
//!  taken over ──► where do they start? ──► a runner for each consumer ──► positions, once a second
//!                 (rows of the partition)          │
//!  let go ──────► leaving: no new tries, those under way have 3 s, the last position is recorded; then it moves
//!  lost ────────► the same, but nothing can be recorded: the next owner goes on from the position before
//! ```
//!
//! A partition that comes back is another one: it has another epoch, and its consumers start again from its rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Consumer;
use super::lane::Shared;
use super::positions::{self, Ledger};
use super::runner::Runner;
use super::start::Crew;
use crate::domain::rows::ConsumerRow;
use crate::engine::{Engine, Reading, Tap};

/// Where the consumers of a partition start.
pub type Starts = BTreeMap<String, ConsumerRow>;

/// A partition for as long as this process owns it: its number and the epoch.
type Tenure = (u32, u64);

/// How long to wait before it is tried again to record where consumers start.
const SETTLE_DELAY: Duration = Duration::from_secs(1);

/// A consumer of any payload, ready to run in any partition.
pub trait Anyone: Send + Sync {
    /// Starts it in a partition.
    fn launch(&self, tap: &Tap, starts: &Starts, stop: &watch::Receiver<bool>) -> (JoinHandle<()>, Arc<Ledger>);
}

impl<C: Consumer> Anyone for Arc<Shared<C>> {
    fn launch(&self, tap: &Tap, starts: &Starts, stop: &watch::Receiver<bool>) -> (JoinHandle<()>, Arc<Ledger>) {
        let name = self.consumer.name();
        let start = starts.get(name).cloned().unwrap_or_default();
        let head = start.position.unwrap_or_else(|| tap.watermark());
        let ledger = Arc::new(Ledger::new(name, tap.clone(), head));
        let runner = Runner::new(self.clone(), tap.clone(), ledger.clone(), head, stop.clone());
        (tokio::spawn(runner.run(start)), ledger)
    }
}

/// Runs the consumers in every partition that is owned here, until it is told to stop; ends when all of them have.
/// `settled`: partitions of which it is known already where they start.
pub async fn follow(
    engine: Engine,
    crew: Arc<Crew>,
    mut settled: BTreeMap<Tenure, Starts>,
    mut stop: watch::Receiver<bool>,
) {
    let mut here: HashMap<Tenure, JoinHandle<()>> = HashMap::new();
    let mut moves = engine.moves();
    loop {
        here.retain(|_, partition| !partition.is_finished());
        for tap in engine.taps().into_iter().filter(|tap| !*tap.leaving().borrow()) {
            let tenure = (tap.partition(), tap.epoch());
            here.entry(tenure).or_insert_with(|| {
                let (reading, starts) = (tap.reading(), settled.remove(&tenure));
                tokio::spawn(attend(crew.clone(), tap, reading, starts, stop.clone()))
            });
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            changed = moves.changed() => if changed.is_err() { break },
        }
    }
    for partition in here.into_values() {
        if let Err(error) = partition.await {
            tracing::error!("the consumers of a partition have stopped: {error}");
        }
    }
}

/// The consumers of one partition, until it goes or they are told to stop.
async fn attend(crew: Arc<Crew>, tap: Tap, reading: Reading, starts: Option<Starts>, stop: watch::Receiver<bool>) {
    let (mut leaving, mut stopped) = (tap.leaving(), stop);
    let gone = async move {
        tokio::select! {
            _ = leaving.wait_for(|leaving| *leaving) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    };
    tokio::pin!(gone);
    let starts = match starts {
        Some(starts) => starts,
        None => tokio::select! {
            starts = settle(&crew, &tap) => starts,
            () = &mut gone => return,
        },
    };
    let (end, ended) = watch::channel(false);
    let launched = crew.consumers.iter().map(|consumer| consumer.launch(&tap, &starts, &ended));
    let (runners, ledgers): (Vec<_>, Vec<_>) = launched.unzip();
    let recorder = tokio::spawn(positions::record(ledgers.clone(), ended));
    gone.await;
    let _ = end.send(true);
    for task in runners.into_iter().chain([recorder]) {
        if let Err(error) = task.await {
            tracing::error!(partition = tap.partition(), "a consumer has stopped: {error}");
        }
    }
    positions::record_ends(&ledgers).await;
    ledgers.iter().for_each(|ledger| ledger.close());
    drop(reading);
}

/// Where they start in a partition that has come; it is tried until it is known.
async fn settle(crew: &Crew, tap: &Tap) -> Starts {
    loop {
        match crew.settle(tap).await {
            Ok(starts) => return starts,
            Err(error) => tracing::warn!(partition = tap.partition(), "consumers do not start yet: {error}"),
        }
        tokio::time::sleep(SETTLE_DELAY).await;
    }
}
