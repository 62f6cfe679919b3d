//! The way of a request: to its home wherever that is, into its queue, and back with a verdict.

use std::sync::Arc;
use std::time::Duration;

use duolog_topics::{Account, Event, Origin};
use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::partition::{Committed, Partition, Request};
use super::peers::{Ask, Peers, Reply, Source, misunderstood};
use super::{Engine, EngineError};
use crate::domain::verdict::{Answer, Verdict};

/// How long a request waits for its verdict before it is answered "unknown".
const VERDICT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a command of the server API waits for the other homes that it touches.
pub(super) const OTHER_HOMES_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a request waits for a home that is moving.
const MOVING_TIMEOUT: Duration = Duration::from_secs(2);

/// A home on its way to another owner: whoever looks for it waits for news, for a while.
pub struct Moving {
    changes: watch::Receiver<u64>,
    deadline: Instant,
}

impl Moving {
    pub(super) fn new(peers: &dyn Peers) -> Self {
        Self { changes: peers.changes(), deadline: Instant::now() + MOVING_TIMEOUT }
    }

    /// Whether there is news in time, since the start or the last call.
    pub async fn goes_on(&mut self) -> bool {
        matches!(tokio::time::timeout_at(self.deadline, self.changes.changed()).await, Ok(Ok(())))
    }
}

impl Engine {
    /// For whoever looks for a home that may be moving; nothing where all homes are in this process.
    pub fn moving(&self) -> Option<Moving> {
        self.0.common.peers.as_deref().map(Moving::new)
    }

    /// Judges, appends, folds, commits; the verdict. What touches many rows goes on in further records before it answers. A
    /// request that is not the client protocol's waits, for a while, for the other homes that it touches.
    ///
    /// # Errors
    /// [`EngineError::Busy`], [`EngineError::NotOwner`], [`EngineError::Hook`]: nothing was done. Others: it may have been.
    pub async fn submit(&self, account: &Account, event: Event) -> Result<Verdict, EngineError> {
        let partition = self.partition_of(account);
        let Some(peers) = &self.0.common.peers else {
            let home = self.owned(partition).ok_or(EngineError::Stopped)?;
            return self.submit_at(&home, account, event).await;
        };
        let mut moving = Moving::new(peers.as_ref());
        loop {
            let verdict = match self.owned(partition) {
                Some(home) => self.submit_at(&home, account, event.clone()).await,
                None => match peers.ask(partition, Ask::submit(account, &event)).await {
                    Ok(Reply::Verdict(verdict)) => Ok(verdict),
                    Ok(_) => Err(misunderstood()),
                    Err(error) => Err(error),
                },
            };
            match verdict {
                // Whoever does not own the home has done nothing.
                Err(EngineError::NotOwner { .. }) if moving.goes_on().await => {}
                verdict => return verdict,
            }
        }
    }

    /// In the owner of the home, however the request got here: the one place where the hook is asked.
    pub(super) async fn submit_at(
        &self,
        home: &Arc<Partition>,
        account: &Account,
        event: Event,
    ) -> Result<Verdict, EngineError> {
        match (self.hook_for(&event), event) {
            // Boxed: without a hook nobody pays for its state.
            (Some(hook), Event::MessageSent(message)) => {
                Box::pin(self.submit_asked(hook, home, account, message)).await
            }
            (_, event) => self.submit_unasked(home, account, event).await,
        }
    }

    pub(super) async fn submit_unasked(
        &self,
        home: &Partition,
        account: &Account,
        event: Event,
    ) -> Result<Verdict, EngineError> {
        let waits = !is_clients_send(&event);
        let again = goes_on(&event).then(|| Box::new(event.clone()));
        let mut asked = home.ask(account, event)?;
        loop {
            let Committed { verdict, carried } = answered(asked).await?;
            match verdict {
                Verdict::Applied(Answer::Partial) => {
                    // A kind that does not go on was answered "partial": the fold and `goes_on` disagree.
                    let event = again.as_deref().ok_or(EngineError::Unknown)?;
                    asked = home.ask(account, event.clone())?;
                }
                Verdict::Superseded => return Err(EngineError::NotOwner { epoch: home.epoch() }),
                verdict => {
                    if waits && !carried.is_empty() {
                        let source = Source::from(home.meta().as_ref());
                        Box::pin(self.wait_for_homes(source, &carried)).await;
                    }
                    return Ok(verdict);
                }
            }
        }
    }

    /// Waits until other homes have folded what was carried to them, or half a second.
    async fn wait_for_homes(&self, source: Source, carried: &[(u32, u64)]) {
        let arrive =
            |(destination, number): &(u32, u64)| self.arrived(*destination, source, *number, OTHER_HOMES_TIMEOUT);
        let _ = tokio::time::timeout(OTHER_HOMES_TIMEOUT, join_all(carried.iter().map(arrive))).await;
    }

    /// The last number of a source that a destination has applied, as soon as it is at least `number`, or after a while.
    pub(super) async fn arrived(
        &self,
        destination: u32,
        source: Source,
        number: u64,
        patience: Duration,
    ) -> Result<u64, EngineError> {
        if let Some(target) = self.owned(destination) {
            return target.arrived_from(source, number, patience).await;
        }
        let peers = self.0.common.peers.as_ref().ok_or(EngineError::NotOwner { epoch: 0 })?;
        let ask = Ask::Arrived { source, number, patience_ms: patience.as_millis() as u64 };
        match peers.ask(destination, ask).await? {
            Reply::Arrived(number) => Ok(number),
            _ => Err(misunderstood()),
        }
    }
}

type CommittedOr = Result<Committed, EngineError>;

async fn answered(asked: oneshot::Receiver<CommittedOr>) -> CommittedOr {
    match tokio::time::timeout(VERDICT_TIMEOUT, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(EngineError::Unknown),
    }
}

impl Partition {
    /// One record: into the queue, and back with what became of it.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub(super) async fn submit(&self, account: &Account, event: Event) -> CommittedOr {
        answered(self.ask(account, event)?).await
    }

    /// Puts an event into the queue. Thousands of requests wait at a time, so none holds its event meanwhile.
    fn ask(&self, account: &Account, event: Event) -> Result<oneshot::Receiver<CommittedOr>, EngineError> {
        if let Some(closed) = self.closed() {
            return Err(closed);
        }
        let (answer, verdict) = oneshot::channel();
        let request = Request { account: account.clone(), event, answer: Some(answer) };
        if self.requests.try_send(request).is_err() {
            metrics::counter!("duolog_requests_busy_total").increment(1);
            return Err(EngineError::Busy);
        }
        Ok(verdict)
    }
}

/// Whether a record of this kind may do its work in parts.
fn goes_on(event: &Event) -> bool {
    matches!(event, Event::ConversationRead(_) | Event::AccountDeleted(_) | Event::AccountImported(_))
}

fn is_clients_send(event: &Event) -> bool {
    matches!(event, Event::MessageSent(sent) if sent.content.origin == Origin::Client)
}
