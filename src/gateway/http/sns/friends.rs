//! What the checks of relations have in common.

use std::collections::HashSet;

use duolog_topics::Account;
use serde::Serialize;

use super::{Accounts, Directions};
use crate::domain::rows::RelationKind;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::results::code_and_info;

/// How two accounts stand to each other, on one list: whether the first lists the second, and the other way.
pub type Relation = (bool, bool);

/// One account of a check.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub struct Checked {
    #[serde(rename = "To_Account")]
    to_account: String,
    relation: String,
    result_code: u32,
    result_info: &'static str,
}

impl Checked {
    /// The account's name, if it does not exist.
    pub fn failed(&self) -> Option<String> {
        (self.result_code != 0).then(|| self.to_account.clone())
    }
}

/// The words of one kind of check: `<prefix>BothWay`, and what it says for no relation.
#[derive(Clone, Copy)]
pub struct Words {
    pub prefix: &'static str,
    pub none: &'static str,
}

/// Checks one account against many. The owner's home mirrors what the others list, so it alone is asked.
pub async fn check(
    context: &Context<'_>,
    request: Accounts,
    directions: Directions,
    (mine, theirs): (RelationKind, RelationKind),
    words: Words,
) -> Result<Vec<Checked>, ApiError> {
    context.must_exist(&request.from, Code::RELATION_ACCOUNT_UNKNOWN).await?;
    let accounts = request.well_formed();
    let existing = context.existing(accounts.clone()).await?;
    let owner = request.from.clone();
    let relations = context
        .read(&request.from, move |mailbox| {
            let mut relations = Vec::new();
            for peer in accounts {
                let both = directions == Directions::Both;
                let relation = (mailbox.lists(&owner, mine, &peer)?, both && mailbox.lists(&owner, theirs, &peer)?);
                relations.push((peer, relation));
            }
            Ok(relations)
        })
        .await?;
    let relations = relations.into_iter().collect();
    Ok(request.to.into_iter().map(|name| checked(name, &existing, &relations, words)).collect())
}

fn checked(
    name: String,
    existing: &HashSet<Account>,
    relations: &std::collections::HashMap<Account, Relation>,
    words: Words,
) -> Checked {
    let account = Account::new(&name).ok();
    let known = account.as_ref().is_some_and(|account| existing.contains(account));
    let relation = account.and_then(|account| relations.get(&account).copied()).unwrap_or_default();
    let word = match relation {
        (true, true) => "BothWay",
        (true, false) => "AWithB",
        (false, true) => "BWithA",
        (false, false) => words.none,
    };
    let (result_code, result_info) = code_and_info(if known { Ok(()) } else { Err(Code::RELATION_ACCOUNT_UNKNOWN) });
    Checked { to_account: name, relation: format!("{}{word}", words.prefix), result_code, result_info }
}
