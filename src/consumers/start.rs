use std::collections::BTreeMap;
use std::sync::Arc;

use duolog_topics::ConsumerAdvance;
use thiserror::Error;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinHandle};

use super::lane::Shared;
use super::partitions::{self, Anyone, Starts};
use super::receiver::Receiver;
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

/// Makes a consumer ready to run in any partition.
type Prepare = Box<dyn FnOnce(&DeadLetters, &Engine) -> Box<dyn Anyone> + Send>;

/// Every consumer of this process: all of them have to be here when they start, because whoever is not is off.
pub struct Consumers {
    engine: Engine,
    list: Vec<(String, Prepare)>,
    /// Consumers that run by themselves and record their positions.
    others: Vec<String>,
}

/// Consumers at work.
pub struct Running {
    stop: watch::Sender<bool>,
    partitions: JoinHandle<()>,
}

/// Who is configured, and who of them runs here.
pub(super) struct Crew {
    names: Vec<String>,
    others: Vec<String>,
    pub consumers: Vec<Box<dyn Anyone>>,
}

impl Consumers {
    pub fn new(engine: Engine) -> Self {
        Self { engine, list: Vec::new(), others: Vec::new() }
    }

    pub fn add(&mut self, consumer: impl Consumer) {
        let name = consumer.name().to_owned();
        self.list.push((name, Box::new(|letters, engine| Box::new(shared(consumer, letters, engine)))));
    }

    /// A consumer that runs by itself: it is not recorded as off.
    pub fn keep(&mut self, name: &str) {
        self.others.push(name.to_owned());
    }

    /// Starts them where they were, in every partition that is owned here, and from then on in each that comes, until it
    /// goes. One that the log does not know, or that was off, starts at the watermark; one that the log knows and that is
    /// not here is recorded as off, and holds back nothing. The dead letters are opened if there is one that may need them.
    ///
    /// # Errors
    /// [`StartError`]: none was started.
    pub async fn start(self, letters: DeadLetters) -> Result<Running, StartError> {
        let Self { engine, list, others } = self;
        let (names, prepare): (Vec<_>, Vec<_>) = list.into_iter().unzip();
        let mut crew = Crew { names, others, consumers: Vec::new() };
        let mut starts = BTreeMap::new();
        for tap in engine.taps() {
            match crew.settle(&tap).await {
                Ok(rows) => drop(starts.insert((tap.partition(), tap.epoch()), rows)),
                // It is on its way to another node.
                Err(_) if *tap.leaving().borrow() => {}
                Err(error) => return Err(error),
            }
        }
        if !prepare.is_empty() {
            let opened = letters.clone();
            tokio::task::spawn_blocking(move || opened.log()).await??;
            crew.consumers = prepare.into_iter().map(|prepare| prepare(&letters, &engine)).collect();
        }
        let (stop, stopped) = watch::channel(false);
        let partitions = tokio::spawn(partitions::follow(engine, Arc::new(crew), starts, stopped));
        Ok(Running { stop, partitions })
    }
}

impl Running {
    /// Waits a little for the tries under way, and records how far each consumer has come.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.partitions.await {
            tracing::error!("the consumers have stopped: {error}");
        }
    }
}

impl Crew {
    /// Where each of them starts in a partition; recorded before any of them runs.
    ///
    /// # Errors
    /// [`StartError`]; nothing was recorded, or it says the same as the next try.
    pub async fn settle(&self, tap: &Tap) -> Result<Starts, StartError> {
        let reader = tap.clone();
        let known = tokio::task::spawn_blocking(move || reader.consumers()).await??;
        let mut known: BTreeMap<String, ConsumerRow> = known.into_iter().collect();
        let mut advances = Vec::new();
        for (name, row) in &mut known {
            if row.position.is_some() && !self.names.contains(name) && !self.others.contains(name) {
                tracing::warn!(
                    partition = tap.partition(),
                    consumer = name,
                    "is no longer configured: recorded as off"
                );
                advances.push(ConsumerAdvance { consumer: name.clone(), position: None, waiting: Vec::new() });
            }
        }
        for name in &self.names {
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
}

fn shared<C: Consumer>(consumer: C, letters: &DeadLetters, engine: &Engine) -> Arc<Shared<C>> {
    Arc::new(Shared {
        permits: Semaphore::new(consumer.settings().parallel.max(1)),
        consumer,
        letters: letters.clone(),
        receiver: Receiver::default(),
        clock: engine.clock().clone(),
        ids: Arc::new(Ids::from_system()),
    })
}
