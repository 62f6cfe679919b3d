//! What the checks of relations have in common.

use std::collections::{HashMap, HashSet};

use duolog_topics::Account;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::{Accounts, Directions, directions};
use crate::domain::rows::RelationKind;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;
use crate::gateway::http::results::code_and_info;

/// One kind of check.
#[derive(Clone, Copy)]
pub struct Check {
    /// What the owner lists, and what mirrors at his home that others list him.
    pub lists: (RelationKind, RelationKind),
    /// Begins the words of the check: `<prefix>Both` in a request, `<prefix>BothWay` in a reply.
    pub prefix: &'static str,
    /// What follows the prefix if neither lists the other.
    pub none: &'static str,
    /// The member of the reply with the accounts.
    pub items: &'static str,
}

/// Who is checked against whom.
#[derive(Debug)]
pub struct Asked {
    accounts: Accounts,
    directions: Directions,
}

/// How two accounts stand to each other, on one list: whether the first lists the second, and the other way.
type Relation = (bool, bool);

/// One account of a reply.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Checked {
    #[serde(rename = "To_Account")]
    to_account: String,
    relation: String,
    result_code: u32,
    result_info: &'static str,
}

/// The members of a reply: the accounts, and the names of those that do not exist if there are any.
struct Members {
    name: &'static str,
    items: Vec<Checked>,
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let failed = self.items.iter().filter(|item| item.result_code != 0);
        let failed: Vec<&str> = failed.map(|item| item.to_account.as_str()).collect();
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry(self.name, &self.items)?;
        if !failed.is_empty() {
            members.serialize_entry("Fail_Account", &failed)?;
        }
        members.end()
    }
}

impl Check {
    /// # Errors
    /// 30001 for a field that is missing or wrong.
    pub fn parse(self, fields: Fields<'_, '_>) -> Result<Asked, ApiError> {
        let directions = directions(fields, "CheckType", self.prefix, None)?;
        Ok(Asked { accounts: Accounts::parse(fields)?, directions })
    }

    /// Checks one account against many. The owner's home mirrors what the others list, so it alone is asked.
    ///
    /// # Errors
    /// 30003 if the owner does not exist; the engine's.
    pub async fn run(self, context: &Context<'_>, asked: Asked) -> Result<Reply, ApiError> {
        let Asked { accounts: request, directions } = asked;
        context.must_exist(&request.from, Code::RELATION_ACCOUNT_UNKNOWN).await?;
        let accounts = request.well_formed();
        let existing = context.existing(accounts.clone()).await?;
        let (owner, (mine, theirs)) = (request.from.clone(), self.lists);
        let relations = context
            .read(&request.from, move |mailbox| {
                let mut relations = HashMap::new();
                for peer in accounts {
                    let both = directions == Directions::Both;
                    let relation = (mailbox.lists(&owner, mine, &peer)?, both && mailbox.lists(&owner, theirs, &peer)?);
                    relations.insert(peer, relation);
                }
                Ok(relations)
            })
            .await?;
        let items = request.to.into_iter().map(|name| self.checked(name, &existing, &relations)).collect();
        Ok(Reply::ok(&Members { name: self.items, items }))
    }

    fn checked(self, name: String, existing: &HashSet<Account>, relations: &HashMap<Account, Relation>) -> Checked {
        let account = Account::new(&name).ok();
        let known = account.as_ref().is_some_and(|account| existing.contains(account));
        let relation = account.and_then(|account| relations.get(&account).copied()).unwrap_or_default();
        let word = match relation {
            (true, true) => "BothWay",
            (true, false) => "AWithB",
            (false, true) => "BWithA",
            (false, false) => self.none,
        };
        let found = if known { Ok(()) } else { Err(Code::RELATION_ACCOUNT_UNKNOWN) };
        let (result_code, result_info) = code_and_info(found);
        Checked { to_account: name, relation: format!("{}{word}", self.prefix), result_code, result_info }
    }
}
