//! Groups of friends. A group is a name: the owner makes it, or a friend carries it.

use std::collections::HashMap;

use duolog_topics::{Account, Event, FriendAction, FriendChanged, FriendGroupChanged};
use serde::Serialize;

use super::INVALID;
use crate::domain::judge::FRIEND_LIMIT;
use crate::domain::rows::{FriendGroupsRow, RelationKind, get};
use crate::domain::view::{Listed, Mailbox};
use crate::error::Code;
use crate::gateway::friend::{GROUPS, changed, check_group_names};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;

/// `GroupName`: a list of names.
pub fn names(fields: Fields<'_, '_>) -> Result<Vec<String>, ApiError> {
    let names = fields.names("GroupName", GROUPS, INVALID)?;
    check_group_names(&names)?;
    Ok(names)
}

/// What changes of groups answer besides the results.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sequence {
    /// Rises with every change of the friend list.
    pub current_sequence: u64,
}

/// All friends of an account.
///
/// # Errors
/// 30003 if the account does not exist; the engine's.
pub async fn friends(context: &Context<'_>, owner: &Account) -> Result<HashMap<Account, Listed>, ApiError> {
    let name = owner.clone();
    let query = move |mailbox: &Mailbox<'_>| {
        let known = mailbox.exists(&name)?;
        known.then(|| mailbox.listed(&name, RelationKind::Friend, None, FRIEND_LIMIT as usize)).transpose()
    };
    let listed = context.read(owner, query).await?.ok_or(Code::RELATION_ACCOUNT_UNKNOWN)?;
    Ok(listed.into_iter().map(|friend| (friend.peer.clone(), friend)).collect())
}

/// The sequence of the friend list now.
///
/// # Errors
/// The engine's.
pub async fn sequence(context: &Context<'_>, owner: &Account) -> Result<Sequence, ApiError> {
    let name = owner.clone();
    let row = context.read(owner, move |mailbox| mailbox.account(&name)).await?;
    Ok(Sequence { current_sequence: row.map_or(0, |row| row.friends_revision) })
}

/// Makes or removes groups by themselves.
///
/// # Errors
/// 30011 for too many groups, 30003 if the account does not exist; the engine's.
pub async fn change(context: &Context<'_>, owner: &Account, groups: Vec<String>, added: bool) -> Result<(), ApiError> {
    context.submit(owner, FriendGroupChanged { groups, added }).await?;
    Ok(())
}

/// The groups that the owner made.
///
/// # Errors
/// The engine's.
pub async fn made(context: &Context<'_>, owner: &Account) -> Result<Vec<String>, ApiError> {
    let key = FriendGroupsRow::key(owner);
    let row = context.read(owner, move |mailbox| get::<FriendGroupsRow>(mailbox.rows, key.as_slice())).await?;
    Ok(row.unwrap_or_default().groups)
}

/// The event that sets the groups of a friend.
pub fn set(context: &Context<'_>, owner: &Account, friend: &Account, groups: Vec<String>) -> (Account, Event) {
    let update = changed(owner, friend.clone(), FriendAction::Update, context.via());
    let event = FriendChanged { forced: true, groups: Some(groups), ..update };
    (owner.clone(), event.into())
}
