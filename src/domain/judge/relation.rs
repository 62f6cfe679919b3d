use duolog_topics::{Account, FriendAction};

use crate::domain::rows::{AccountRow, RelationKind, RowsError};
use crate::domain::view::Mailbox;
use crate::error::Code;

/// Accounts that one account may block, as in the API that ours follows.
pub const BLACKLIST_LIMIT: u32 = 1_000;
/// Friends that one account may list.
pub const FRIEND_LIMIT: u32 = 3_000;
/// Friend requests that may wait for one account's answer.
const PENDING_LIMIT: u32 = 1_000;

/// Whether an account may block a peer. Of a peer who lives elsewhere it is not asked here whether he exists.
///
/// # Errors
/// If rows cannot be read.
pub fn block(
    mailbox: &Mailbox<'_>,
    owner: &AccountRow,
    account: &Account,
    peer: &Account,
    peer_is_here: bool,
) -> Result<Result<(), Code>, RowsError> {
    if account == peer {
        return Ok(Err(Code::RELATION_PARAMETER_INVALID));
    }
    if peer_is_here && !mailbox.exists(peer)? {
        return Ok(Err(Code::RELATION_ACCOUNT_UNKNOWN));
    }
    let listed = mailbox.lists(account, RelationKind::Block, peer)?;
    Ok(if !listed && owner.blocked >= BLACKLIST_LIMIT { Err(Code::BLACKLIST_FULL) } else { Ok(()) })
}

/// Whether an account may list a peer as a friend: neither may have blocked the other.
///
/// # Errors
/// If rows cannot be read.
pub fn friend(
    mailbox: &Mailbox<'_>,
    owner: &AccountRow,
    account: &Account,
    peer: &Account,
    peer_is_here: bool,
) -> Result<Result<(), Code>, RowsError> {
    if account == peer {
        return Ok(Err(Code::RELATION_PARAMETER_INVALID));
    }
    if peer_is_here && !mailbox.exists(peer)? {
        return Ok(Err(Code::RELATION_ACCOUNT_UNKNOWN));
    }
    if mailbox.lists(account, RelationKind::Block, peer)? {
        return Ok(Err(Code::PEER_IS_BLOCKED));
    }
    if mailbox.lists(account, RelationKind::BlockedBy, peer)? {
        return Ok(Err(Code::BLOCKED_BY_PEER));
    }
    let listed = mailbox.lists(account, RelationKind::Friend, peer)?;
    Ok(if !listed && owner.friends >= FRIEND_LIMIT { Err(Code::FRIENDS_FULL) } else { Ok(()) })
}

/// Why an account has no room for what another one does: its friend list is full, or too many requests wait for it. The
/// other's home asks before, and the account's home judges on arrival.
///
/// # Errors
/// If rows cannot be read.
pub fn no_room(
    mailbox: &Mailbox<'_>,
    account: &Account,
    other: &Account,
    action: FriendAction,
    both: bool,
) -> Result<Option<Code>, RowsError> {
    let Some(row) = mailbox.account(account)? else {
        return Ok(None);
    };
    let enters = action == FriendAction::Accept || action == FriendAction::Add && both;
    if enters && row.friends >= FRIEND_LIMIT && !mailbox.lists(account, RelationKind::Friend, other)? {
        return Ok(Some(Code::PEER_FRIENDS_FULL));
    }
    let full = action == FriendAction::Request && row.pending >= PENDING_LIMIT;
    let waits = full && mailbox.lists(account, RelationKind::Pending, other)?;
    Ok((full && !waits).then_some(Code::FRIEND_REQUESTS_FULL))
}
