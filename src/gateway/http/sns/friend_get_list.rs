use std::collections::HashMap;

use duolog_topics::Account;
use serde::Serialize;

use super::tags::{self, Item};
use super::{BATCH, INVALID, tags::Value};
use crate::domain::rows::RelationKind;
use crate::domain::view::{Listed, Mailbox};
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;
use crate::gateway::http::results::code_and_info;

/// Tags that one call may name: more than there are.
const TAGS: usize = 100;

/// Tags may be those of friends and those of profiles.
#[derive(Debug)]
pub struct Request {
    owner: Account,
    names: Vec<String>,
    tags: Vec<String>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let names = fields.names("To_Account", BATCH, INVALID)?;
        Ok(Self { owner: fields.account("From_Account")?, names, tags: fields.names("TagList", TAGS, INVALID)? })
    }
}

#[derive(Serialize, Default)]
struct Members {
    #[serde(rename = "InfoItem")]
    items: Vec<Info>,
    #[serde(rename = "Fail_Account", skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
}

#[derive(Serialize)]
struct Info {
    #[serde(rename = "To_Account")]
    account: String,
    #[serde(rename = "SnsProfileItem")]
    items: Vec<Item>,
    #[serde(rename = "ResultCode")]
    code: u32,
    #[serde(rename = "ResultInfo")]
    info: &'static str,
}

/// Per account: 31704 if the owner does not list it.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { owner, names, tags } = request;
    context.must_exist(&owner, Code::RELATION_ACCOUNT_UNKNOWN).await?;
    let peers: Vec<Account> = names.iter().filter_map(|name| Account::new(name).ok()).collect();
    let friends = friends(context, &owner, peers).await?;
    let mut profiles = profiles(context, friends.keys().cloned().collect(), &tags).await?;
    let mut members = Members::default();
    for name in names {
        let friend = Account::new(&name).ok().and_then(|peer| friends.get(&peer));
        let (code, info) = code_and_info(friend.map(|_| ()).ok_or(Code::NOT_A_FRIEND));
        let mut items = Vec::new();
        match friend {
            Some(friend) => {
                items.extend(tags::of(friend).into_iter().filter(|item| tags.contains(&item.tag)));
                items.extend(profiles.remove(&friend.peer).unwrap_or_default());
            }
            None => members.failed.push(name.clone()),
        }
        members.items.push(Info { account: name, items, code, info });
    }
    Ok(Reply::ok(&members))
}

/// Those of the peers whom the owner lists.
async fn friends(
    context: &Context<'_>,
    owner: &Account,
    peers: Vec<Account>,
) -> Result<HashMap<Account, Listed>, ApiError> {
    let name = owner.clone();
    let query = move |mailbox: &Mailbox<'_>| {
        let mut friends = HashMap::new();
        for peer in peers {
            let row = mailbox.relation(&name, RelationKind::Friend, &peer)?.filter(|row| row.listed);
            if let Some(row) = row {
                friends.insert(peer.clone(), Listed { peer, added: row.added, row });
            }
        }
        Ok(friends)
    };
    context.read(owner, query).await
}

/// The profile fields that were asked for, each account's from its own home.
async fn profiles(
    context: &Context<'_>,
    accounts: Vec<Account>,
    tags: &[String],
) -> Result<HashMap<Account, Vec<Item>>, ApiError> {
    let tags: Vec<String> = tags.iter().filter(|tag| !tag.starts_with(tags::PREFIX)).cloned().collect();
    if tags.is_empty() {
        return Ok(HashMap::new());
    }
    let query = move |mailbox: &Mailbox<'_>, account: &Account| {
        let items = crate::gateway::profile::items(&mailbox.profile(account)?, &tags);
        Ok(items.into_iter().map(|item| Item::new(item.tag, Value::from(item.value))).collect())
    };
    let found = context.read_each(accounts.clone(), query).await?;
    Ok(accounts.into_iter().zip(found).collect())
}
