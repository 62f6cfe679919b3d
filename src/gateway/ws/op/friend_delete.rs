use duolog_topics::{Account, FriendAction, FriendChanged};
use serde::Deserialize;

use super::args::in_number;
use super::results::results;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// Accounts that one request may name.
const ACCOUNTS: usize = 1_000;

/// `friend_delete`: the user no longer lists these friends, and with `both` they no longer list him.
#[derive(Deserialize)]
pub struct FriendDelete {
    accounts: Vec<Account>,
    #[serde(default)]
    both: bool,
}

impl FriendDelete {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let delete: Self = object(args)?;
        in_number(delete.accounts.len(), ACCOUNTS, "accounts")?;
        Ok(delete)
    }

    /// One record an account, in their order.
    ///
    /// # Errors
    /// If it is unknown whether a record took effect; a refusal is that account's result.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let mut list = Vec::with_capacity(self.accounts.len());
        for peer in self.accounts {
            let event = FriendChanged {
                owner: context.account().clone(),
                peer: peer.clone(),
                action: FriendAction::Remove,
                both: self.both,
                forced: false,
                remark: None,
                groups: None,
                source: None,
                wording: None,
                custom: None,
                decided: None,
                via: context.via(),
            };
            match context.submit(event).await {
                Ok(_) => list.push((peer, Ok(()))),
                Err(failure) if failure.code.retry() => return Err(failure),
                Err(failure) => list.push((peer, Err(failure.code))),
            }
        }
        Ok(results(&list))
    }
}
