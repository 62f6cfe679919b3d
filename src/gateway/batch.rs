//! Requests that are many records: they go to the log side by side, so that they share its syncs.

use duolog_topics::{Account, Event};
use futures_util::{StreamExt as _, stream};

use crate::domain::verdict::Verdict;
use crate::engine::{Engine, EngineError};

/// Records of one request that wait for the log at a time: enough to share its syncs, no more than a fair part of its
/// queue.
const IN_FLIGHT: usize = 64;

/// Submits many events, each to its account; the answers are in their order.
pub async fn submit_each(
    engine: &Engine,
    events: impl IntoIterator<Item = (Account, Event)>,
) -> Vec<Result<Verdict, EngineError>> {
    let submitted = events.into_iter().map(|(account, event)| async move { engine.submit(&account, event).await });
    stream::iter(submitted).buffered(IN_FLIGHT).collect().await
}
