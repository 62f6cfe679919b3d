use std::time::Duration;

use duolog_topics::{Account, AccountKicked};

use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

/// Newer callers name the account `UserID`, older ones `Identifier`.
#[derive(Debug)]
pub struct Request {
    account: Account,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self { account: fields.account(fields.named(["UserID", "Identifier"]))? })
    }
}

/// Ends the account's sessions and makes every signature made so far unusable.
///
/// A signature tells its second only. So all of this second are refused, and the answer waits for the next one: what
/// was made before the call is refused, what is made after its answer works.
///
/// # Errors
/// 70107 if the account does not exist, 70402 for a field that is missing or wrong; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let engine = context.engine();
    let not_before = engine.now() / 1000 + 1;
    context.submit(&request.account, AccountKicked { not_before }).await?;
    context.shared().admission.kicked(&request.account, not_before, engine.now());
    loop {
        let left = (not_before * 1000).saturating_sub(engine.now());
        if left == 0 {
            return Ok(Reply::plain());
        }
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
}
