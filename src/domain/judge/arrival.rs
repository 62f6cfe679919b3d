use duolog_topics::{Account, MessageContent, Origin};

use crate::domain::rows::{AccountRow, RelationKind, RowsError};
use crate::domain::view::Mailbox;
use crate::error::Code;

/// Why a message does not reach a receiver who exists here: he has blocked the sender.
///
/// The server API and admins pass the blacklist. `owner` is the receiver's row: of most it says that they have blocked
/// nobody.
///
/// # Errors
/// If rows cannot be read.
pub fn arrival(
    mailbox: &Mailbox<'_>,
    receiver: &Account,
    owner: &AccountRow,
    from: &Account,
    content: &MessageContent,
) -> Result<Option<Code>, RowsError> {
    let bound = content.origin == Origin::Client && !content.flags.by_admin;
    if bound && owner.blocked > 0 && mailbox.lists(receiver, RelationKind::Block, from)? {
        return Ok(Some(Code::BLOCKED));
    }
    Ok(None)
}
