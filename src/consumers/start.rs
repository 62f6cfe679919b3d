use std::collections::BTreeMap;
use std::sync::Arc;

use duolog_topics::ConsumerAdvance;
use thiserror::Error;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinHandle};

use super::lane::Shared;
use super::positions::{self, Ledger};
use super::receiver::Receiver;
use super::runner::Runner;
use super::{Consumer, DeadLetters};
use crate::domain::rows::{ConsumerRow, RowsError};
use crate::engine::{Engine, EngineError, Ids, Tap};
use crate::log::LogError;

/// Why consumers could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("positions of consumers cannot be read: {0}")]
    Rows(#[from] RowsError),
    #[error("where consumers start cannot be recorded: {0}")]
    Engine(#[from] EngineError),
    #[error("the dead letters cannot be opened: {0}")]
    Letters(#[from] LogError),
    #[error(transparent)]
    Thread(#[from] JoinError),
}

/// Every consumer of this process: all of them have to be here when they start, because whoever is not is off.
pub struct Consumers {
    engine: Engine,
    list: Vec<Box<dyn Launch>>,
    /// Consumers that run by themselves and record their positions.
    others: Vec<String>,
}

/// Consumers at work.
pub struct Running {
    stop: watch::Sender<bool>,
    runners: Vec<JoinHandle<()>>,
    recorder: JoinHandle<()>,
    ledgers: Vec<Arc<Ledger>>,
}

/// What a consumer is launched with.
struct Launching<'a> {
    engine: &'a Engine,
    letters: &'a DeadLetters,
    stop: &'a watch::Receiver<bool>,
    /// Each partition, and where its consumers start.
    starts: &'a [(Tap, BTreeMap<String, ConsumerRow>)],
}

impl Consumers {
    pub fn new(engine: Engine) -> Self {
        Self { engine, list: Vec::new(), others: Vec::new() }
    }

    pub fn add(&mut self, consumer: impl Consumer) {
        self.list.push(Box::new(consumer));
    }

    /// A consumer that runs by itself: it is not recorded as off.
    pub fn keep(&mut self, name: &str) {
        self.others.push(name.to_owned());
    }

    /// Starts them where they were. One that the log does not know, or that was off, starts at the watermark; one that
    /// the log knows and that is not here is recorded as off, and holds back nothing. The dead letters are opened if there
    /// is one that may need them.
    ///
    /// # Errors
    /// [`StartError`]: none was started.
    pub async fn start(self, letters: DeadLetters) -> Result<Running, StartError> {
        let (stop, stopped) = watch::channel(false);
        let names: Vec<String> = self.list.iter().map(|consumer| consumer.called().to_owned()).collect();
        let mut starts = Vec::new();
        for tap in self.engine.taps() {
            let rows = settle(&tap, &names, &self.others).await?;
            starts.push((tap, rows));
        }
        if self.list.is_empty() {
            let recorder = tokio::spawn(async {});
            return Ok(Running { stop, runners: Vec::new(), recorder, ledgers: Vec::new() });
        }
        let opened = letters.clone();
        tokio::task::spawn_blocking(move || opened.log()).await??;
        let launching = Launching { engine: &self.engine, letters: &letters, stop: &stopped, starts: &starts };
        let launched = self.list.into_iter().flat_map(|consumer| consumer.launch(&launching));
        let (runners, ledgers): (Vec<_>, Vec<_>) = launched.unzip();
        let recorder = tokio::spawn(positions::record(ledgers.clone(), stopped));
        Ok(Running { stop, runners, recorder, ledgers })
    }
}

impl Running {
    /// Waits a little for the tries under way, and records how far each consumer has come.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.runners.into_iter().chain([self.recorder]) {
            if let Err(error) = task.await {
                tracing::error!("a consumer has stopped: {error}");
            }
        }
        positions::record_ends(&self.ledgers).await;
    }
}

/// Where each of these consumers starts in a partition; recorded before any of them runs.
async fn settle(tap: &Tap, names: &[String], others: &[String]) -> Result<BTreeMap<String, ConsumerRow>, StartError> {
    let mut known: BTreeMap<String, ConsumerRow> = tap.consumers()?.into_iter().collect();
    let mut advances = Vec::new();
    for (name, row) in &mut known {
        if row.position.is_some() && !names.contains(name) && !others.contains(name) {
            tracing::warn!(partition = tap.partition(), consumer = name, "is no longer configured: recorded as off");
            advances.push(ConsumerAdvance { consumer: name.clone(), position: None, waiting: Vec::new() });
        }
    }
    for name in names {
        let row = known.entry(name.clone()).or_default();
        if row.position.is_none() {
            *row = ConsumerRow { position: Some(tap.watermark()), waiting: Vec::new() };
            tracing::info!(partition = tap.partition(), consumer = name, "is new and starts at the watermark");
            advances.push(ConsumerAdvance { consumer: name.clone(), position: row.position, waiting: Vec::new() });
        }
    }
    if !advances.is_empty() {
        tap.advance(advances).await?;
    }
    Ok(known)
}

/// A consumer of any payload.
trait Launch: Send {
    fn called(&self) -> &str;

    /// A runner for each partition.
    fn launch(self: Box<Self>, with: &Launching<'_>) -> Vec<(JoinHandle<()>, Arc<Ledger>)>;
}

impl<C: Consumer> Launch for C {
    fn called(&self) -> &str {
        self.name()
    }

    fn launch(self: Box<Self>, with: &Launching<'_>) -> Vec<(JoinHandle<()>, Arc<Ledger>)> {
        let shared = Arc::new(Shared {
            permits: Semaphore::new(self.settings().parallel.max(1)),
            consumer: *self,
            letters: with.letters.clone(),
            receiver: Receiver::default(),
            clock: with.engine.clock().clone(),
            ids: Arc::new(Ids::from_system()),
            stop: with.stop.clone(),
        });
        let launch = |(tap, rows): &(Tap, BTreeMap<String, ConsumerRow>)| {
            let name = shared.consumer.name();
            let start = rows.get(name).cloned().unwrap_or_default();
            let head = start.position.unwrap_or_else(|| tap.watermark());
            let ledger = Arc::new(Ledger::new(name, tap.clone(), head));
            let runner = Runner::new(shared.clone(), tap.clone(), ledger.clone(), head);
            (tokio::spawn(runner.run(start)), ledger)
        };
        with.starts.iter().map(launch).collect()
    }
}
