use duolog_topics::{Account, Event};
use futures_util::{StreamExt as _, stream};

use super::error::ApiError;
use crate::domain::verdict::{Answer, Verdict};
use crate::engine::Engine;
use crate::error::Code;

/// Requests of one batch that wait for the log at a time: enough to share its syncs, no more than a fair part of its
/// queue.
const BATCH_IN_FLIGHT: usize = 64;

/// Submits an event and waits for its answer.
///
/// # Errors
/// The verdict's code if it was refused; the engine's if it could not decide.
pub async fn submit(engine: &Engine, account: &Account, event: impl Into<Event>) -> Result<Answer, ApiError> {
    match engine.submit(account, event.into()).await? {
        Verdict::Applied(answer) | Verdict::Repeat(answer) => Ok(answer),
        Verdict::Refused(refusal) => Err(refusal.code.into()),
        // The engine writes its own records, in its own epoch: it does not hand out these two.
        Verdict::Superseded | Verdict::Ignored => Err(Code::SERVICE_INTERNAL_ERROR.into()),
    }
}

/// Submits many events, each to its account; the answers are in their order.
pub async fn submit_each(
    engine: &Engine,
    events: impl IntoIterator<Item = (Account, Event)>,
) -> Vec<Result<Answer, ApiError>> {
    let submitted = events.into_iter().map(|(account, event)| async move { submit(engine, &account, event).await });
    stream::iter(submitted).buffered(BATCH_IN_FLIGHT).collect().await
}
