use duolog_topics::{Account, MsgKey};

use crate::domain::rows::RowFlags;
use crate::domain::view::Mailbox;
use crate::error::Code;
use crate::gateway::elements::Held;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;

/// The message that `from` sent must be in one of the two views, not recalled: the sender's home cannot tell what the
/// receiver's holds. Gives what it says.
///
/// # Errors
/// 20022 if neither holds it, 20023 if it is recalled; the engine's.
pub async fn must_be_held(context: &Context<'_>, from: &Account, to: &Account, key: MsgKey) -> Result<Held, ApiError> {
    for (account, peer, incoming) in [(from, to, false), (to, from, true)] {
        let (owner, peer) = (account.clone(), peer.clone());
        let query = move |mailbox: &Mailbox<'_>| {
            let found = mailbox.find_message(&owner, &peer, key)?;
            let entry = found.map(|(_, entry)| entry).filter(|entry| entry.flags.has(RowFlags::INCOMING) == incoming);
            entry.map(|entry| Ok((entry.flags, mailbox.message(entry.pointer)?))).transpose()
        };
        match context.read(account, query).await? {
            Some((flags, _)) if flags.has(RowFlags::RECALLED) => return Err(Code::ALREADY_RECALLED.into()),
            Some((_, message)) => {
                let held = message.map(|row| Held { body: row.body.as_str().to_owned(), custom: row.custom });
                return Ok(held.unwrap_or_default());
            }
            None => {}
        }
    }
    Err(Code::MESSAGE_UNKNOWN.into())
}
