use duolog_topics::{Account, Event};

use super::error::ApiError;
use crate::domain::verdict::{Answer, Verdict};
use crate::engine::{Engine, EngineError};
use crate::error::Code;
use crate::gateway::batch;

/// Submits an event and waits for its answer.
///
/// # Errors
/// The verdict's code if it was refused; the engine's if it could not decide.
pub async fn submit(engine: &Engine, account: &Account, event: impl Into<Event>) -> Result<Answer, ApiError> {
    answer(engine.submit(account, event.into()).await)
}

/// Submits many events, each to its account; the answers are in their order.
pub async fn submit_each(
    engine: &Engine,
    events: impl IntoIterator<Item = (Account, Event)>,
) -> Vec<Result<Answer, ApiError>> {
    batch::submit_each(engine, events).await.into_iter().map(answer).collect()
}

fn answer(verdict: Result<Verdict, EngineError>) -> Result<Answer, ApiError> {
    match verdict? {
        Verdict::Applied(answer) | Verdict::Repeat(answer) => Ok(answer),
        Verdict::Refused(refusal) => Err(refusal.code.into()),
        // The engine writes its own records, in its own epoch: it does not hand out these two.
        Verdict::Superseded | Verdict::Ignored => Err(Code::SERVICE_INTERNAL_ERROR.into()),
    }
}
