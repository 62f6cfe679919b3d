use duolog_topics::{Account, MsgKey};

use crate::domain::rows::RowFlags;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;

/// The message that `from` sent must be in one of the two views, not recalled: the sender's home cannot tell what the
/// receiver's holds.
///
/// # Errors
/// 20022 if neither holds it, 20023 if it is recalled; the engine's.
pub async fn must_be_held(context: &Context<'_>, from: &Account, to: &Account, key: MsgKey) -> Result<(), ApiError> {
    for (account, peer, incoming) in [(from, to, false), (to, from, true)] {
        let (owner, peer) = (account.clone(), peer.clone());
        let found = context.read(account, move |mailbox| mailbox.find_message(&owner, &peer, key)).await?;
        let row = found.map(|(_, row)| row).filter(|row| row.flags.has(RowFlags::INCOMING) == incoming);
        match row {
            Some(row) if row.flags.has(RowFlags::RECALLED) => return Err(Code::ALREADY_RECALLED.into()),
            Some(_) => return Ok(()),
            None => {}
        }
    }
    Err(Code::MESSAGE_UNKNOWN.into())
}
