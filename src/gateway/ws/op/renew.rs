use serde::Deserialize;

use super::{Context, Granted};
use crate::error::Code;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `renew`: a newer signature for the session.
#[derive(Deserialize)]
pub struct Renew {
    user_sig: String,
}

impl Renew {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        object(args)
    }

    /// # Errors
    /// The code of a wrong signature; 70001 also for one that was made before the account was kicked.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let now = context.engine().now() / 1000;
        let verified = context
            .settings()
            .app
            .verify(&self.user_sig, context.account(), now)
            .map_err(|error| Failure::new(error.code(), error.to_string()))?;
        let account = context.read(|mailbox, account| mailbox.account(account)).await?;
        let not_before = account.ok_or(Code::ACCOUNT_UNKNOWN)?.not_before;
        if verified.signed_at < not_before {
            return Err(Code::USER_SIG_EXPIRED.into());
        }
        Ok(Granted::Renewed { expires_at: verified.expires_at })
    }
}
