use std::collections::HashMap;

use duolog_topics::{Account, BlacklistChanged};

use super::args::accounts;
use super::results::results;
use super::{Context, Granted};
use crate::domain::verdict::Answer;
use crate::error::Code;
use crate::gateway::ws::protocol::Failure;

/// Accounts that one request may block or unblock.
const ACCOUNTS: usize = 1_000;

/// `block`: these accounts' messages no longer reach the user; a friendship ends both ways.
pub struct Block(Vec<Account>);

/// `unblock`: these accounts may write again.
pub struct Unblock(Vec<Account>);

impl Block {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        accounts(args, ACCOUNTS).map(Self)
    }

    /// # Errors
    /// What the log decides about the request; about an account, its result says it.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        change(context, self.0, true).await
    }
}

impl Unblock {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        accounts(args, ACCOUNTS).map(Self)
    }

    /// # Errors
    /// As [`Block::run`].
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        change(context, self.0, false).await
    }
}

/// The results are in the order of the request, also for a name that stands there twice.
async fn change(context: &Context, asked: Vec<Account>, blocked: bool) -> Result<Granted, Failure> {
    let known = if blocked { context.known(&asked).await? } else { asked.iter().cloned().collect() };
    let mut changed = HashMap::new();
    if !known.is_empty() {
        let (owner, peers) = (context.account().clone(), known.into_iter().collect());
        if let Answer::Results(list) =
            context.submit(BlacklistChanged { owner, peers, blocked, decided: None, via: context.via() }).await?
        {
            changed.extend(list);
        }
    }
    let result = |peer: &Account| changed.get(peer).copied().unwrap_or(Err(Code::RELATION_ACCOUNT_UNKNOWN));
    let list: Vec<_> = asked.into_iter().map(|peer| (peer.clone(), result(&peer))).collect();
    Ok(results(&list))
}
