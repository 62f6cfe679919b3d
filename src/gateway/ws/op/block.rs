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

async fn change(context: &Context, peers: Vec<Account>, blocked: bool) -> Result<Granted, Failure> {
    let owner = context.account().clone();
    match context.submit(BlacklistChanged { owner, peers, blocked, decided: None }).await? {
        Answer::Results(list) => Ok(results(&list)),
        _ => Err(Code::INTERNAL_ERROR.into()),
    }
}
