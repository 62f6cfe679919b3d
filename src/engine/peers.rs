//! What engines ask of each other, where partitions of one log are owned by several processes.
//!
//! Three questions are enough. A request is submitted where its account has its home. A query is a function over rows, so
//! its rows are fetched, from one view that holds still at the owner, and it runs where it was asked. And a courier, or
//! whoever waits for other homes, asks how far a destination has come. An engine answers only for what it owns, so nothing
//! is forwarded twice.

use std::ops::Bound;

use bytes::Bytes;
use duolog_topics::{Account, Event, LogId};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::EngineError;
use crate::domain::rows::MetaRow;
use crate::domain::verdict::Verdict;

/// A partition that others get carried records from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Source {
    pub log_id: LogId,
    pub generation: u32,
    pub partition: u32,
}

impl From<&MetaRow> for Source {
    fn from(meta: &MetaRow) -> Self {
        Self { log_id: meta.log_id, generation: meta.generation, partition: meta.partition }
    }
}

/// A question to the owner of a partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ask {
    /// A request: answered with its verdict.
    Submit { account: Account, kind: String, version: u16, payload: Bytes },
    /// The last number of a source that was applied, as soon as it is at least `number`, or after `patience_ms`.
    Arrived { source: Source, number: u64, patience_ms: u64 },
    /// A view of the committed rows, and in the same answer the rows of these keys.
    View { keys: Vec<Bytes> },
    /// A row of a view.
    Row { view: u64, key: Bytes },
    /// The next rows of a view, as many as one answer holds.
    Scan { view: u64, from: Bound<Bytes>, until: Bound<Bytes>, backward: bool },
    /// A view is not needed any more.
    Close { view: u64 },
}

impl Ask {
    pub fn submit(account: &Account, event: &Event) -> Self {
        let kind = event.kind();
        Self::Submit {
            account: account.clone(),
            kind: kind.name().to_owned(),
            version: kind.version(),
            payload: event.encode().into(),
        }
    }

    /// Whether it is answered only when a record of its own was appended and folded, and so may take longer than a look at
    /// rows does.
    pub fn waits_for_the_log(&self) -> bool {
        matches!(self, Self::Submit { .. })
    }
}

/// The owner's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    Verdict(Verdict),
    Arrived(u64),
    View {
        view: u64,
        meta: MetaRow,
        /// The first offset that is not in it.
        next: u64,
        rows: Vec<Option<Bytes>>,
    },
    Row(Option<Bytes>),
    /// `more`: the range goes on after the last one.
    Rows {
        rows: Vec<(Bytes, Bytes)>,
        more: bool,
    },
    Closed,
}

/// How an engine reaches the owners of partitions that are not its own.
pub trait Peers: Send + Sync + 'static {
    /// Asks the owner of a partition, once.
    ///
    /// # Errors
    /// The owner's; [`EngineError::NotOwner`] if nobody is known to own it, or he cannot be reached: nothing was done;
    /// [`EngineError::Unknown`] if he was reached and has not answered in time.
    fn ask(&self, partition: u32, ask: Ask) -> BoxFuture<'static, Result<Reply, EngineError>>;

    /// Changes whenever the owner of a partition does, as far as this process has heard.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// The answer was one to another question.
pub(super) fn misunderstood() -> EngineError {
    EngineError::Peer("the answer does not fit the question".to_owned())
}
