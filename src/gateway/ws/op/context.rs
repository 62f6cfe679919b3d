use std::sync::Arc;
use std::task::Poll;

use duolog_topics::{Account, CloseReason, Event, MessageSent, Platform, SessionEnd, Via};

use super::Granted;
use crate::domain::rows::RowsError;
use crate::domain::verdict::{Answer, Verdict};
use crate::domain::view::Mailbox;
use crate::engine::{Engine, EngineError};
use crate::error::Code;
use crate::gateway::batch;
use crate::gateway::friend::Unfit;
use crate::gateway::known::Known;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::settings::Settings;
use crate::gateway::ws::state::Shared;

/// Who is logged in on a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    pub account: Account,
    pub session: String,
    pub device: String,
    pub platform: Platform,
    /// The client's address, if it is known.
    pub ip: Option<String>,
}

impl Identity {
    /// How the log is told that the session is over.
    pub fn ended(&self, reason: CloseReason) -> SessionEnd {
        let Self { account, session, ip, .. } = self;
        SessionEnd { account: account.clone(), session: session.clone(), reason, ip: ip.clone() }
    }
}

/// What a request is run with.
pub struct Context {
    shared: Arc<Shared>,
    pub identity: Arc<Identity>,
    /// Messages go through one by one, in the order in which they came.
    turnstile: tokio::sync::Mutex<()>,
    /// Long reads run a few at a time.
    reads: tokio::sync::Semaphore,
}

/// Long reads of one connection that run, or whose answers wait for the socket: each may hold a page.
const READS: usize = 4;

impl Context {
    pub fn new(shared: Arc<Shared>, identity: Arc<Identity>) -> Self {
        Self { shared, identity, turnstile: tokio::sync::Mutex::default(), reads: tokio::sync::Semaphore::new(READS) }
    }

    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub fn account(&self) -> &Account {
        &self.identity.account
    }

    /// Who asks, as events keep it.
    pub fn via(&self) -> Option<Via> {
        let Identity { session, platform, ip, .. } = self.identity.as_ref();
        Some(Via { operator: None, session: Some(session.clone()), platform: Some(*platform), ip: ip.clone() })
    }

    /// A place among the reads that may run.
    pub async fn read_place(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // Nobody closes it.
        self.reads.acquire().await.ok()
    }

    /// Submits an event of the client's own account.
    ///
    /// # Errors
    /// If it was refused, or it is unknown whether it took effect.
    pub async fn submit(&self, event: impl Into<Event>) -> Result<Answer, Failure> {
        answer(self.engine().submit(self.account(), event.into()).await)
    }

    /// Submits many events of the client's own account; the answers are in their order.
    pub async fn submit_each(&self, events: Vec<Event>) -> Vec<Result<Answer, Failure>> {
        let events: Vec<_> = events.into_iter().map(|event| (self.account().clone(), event)).collect();
        batch::submit_each(self.engine(), events).await.into_iter().map(answer).collect()
    }

    /// Who exists, or did a few minutes ago.
    pub fn known(&self) -> &Known {
        &self.shared.known
    }

    /// Submits a message to somebody who exists, as far as is known: his home may be another one, which judges it later.
    ///
    /// The look-up may take a while. So that no message overtakes another one, the next enters when this one waits in the
    /// engine's queue.
    ///
    /// # Errors
    /// 20003 if nobody has that name; the engine's.
    pub async fn send(&self, to: &Account, message: MessageSent) -> Result<Verdict, Failure> {
        let turn = self.turnstile.lock().await;
        if !self.shared.known.exists(self.engine(), to).await? {
            return Err(Code::SENDER_OR_RECEIVER_UNKNOWN.into());
        }
        let mut verdict = std::pin::pin!(self.engine().submit(self.account(), message.into()));
        let first = std::future::poll_fn(|cx| Poll::Ready(verdict.as_mut().poll(cx))).await;
        drop(turn);
        match first {
            Poll::Ready(verdict) => Ok(verdict?),
            Poll::Pending => Ok(verdict.await?),
        }
    }

    /// Submits an event whose answer is only that it took effect.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn change(&self, event: impl Into<Event>) -> Result<Granted, Failure> {
        self.submit(event).await.map(|_| Granted::Ok("{}".to_owned()))
    }

    /// Runs a query on the client's own mailbox.
    ///
    /// # Errors
    /// If it cannot be read now.
    pub async fn read<T, F>(&self, query: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Mailbox<'_>, &Account) -> Result<T, RowsError> + Send + 'static,
    {
        let account = self.account().clone();
        let own = account.clone();
        Ok(self.engine().read(&account, move |mailbox| query(mailbox, &own)).await?)
    }
}

fn answer(verdict: Result<Verdict, EngineError>) -> Result<Answer, Failure> {
    match verdict? {
        Verdict::Applied(answer) | Verdict::Repeat(answer) => Ok(answer),
        other => Err(refused(other)),
    }
}

/// The failure that a verdict without an answer means.
pub fn refused(verdict: Verdict) -> Failure {
    match verdict {
        Verdict::Refused(refusal) => refusal.into(),
        // Written by an owner of another epoch: whoever asked tries again.
        _ => Code::TOO_MANY_REQUESTS.into(),
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Self::new(unfit.code, unfit.text)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Hook { code, info: Some(info) } => Self::new(code, info),
            error => error.code().into(),
        }
    }
}
