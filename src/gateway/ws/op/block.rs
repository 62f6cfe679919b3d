use duolog_topics::Account;

use super::args::accounts;
use super::results::results;
use super::{Context, Granted};
use crate::gateway::friend::{blacklist_changed, blacklist_result};
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
    let (engine, known, owner) = (context.engine(), context.known(), context.account());
    let answer = match blacklist_changed(engine, known, owner, asked.clone(), blocked, context.via()).await? {
        Some(event) => Some(context.submit(event).await?),
        None => None,
    };
    let of = blacklist_result(answer);
    let list: Vec<_> = asked.into_iter().map(|peer| (peer.clone(), of(&peer))).collect();
    Ok(results(&list))
}
