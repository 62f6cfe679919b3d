use duolog_topics::Account;
use serde::Deserialize;

use super::args::in_number;
use super::{Context, Granted};
use crate::domain::rows::RelationKind;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;
use crate::gateway::ws::protocol::json::object_text;

/// Accounts that one request may ask for.
const ACCOUNTS: usize = 1_000;

/// `friend_check`: who lists whom.
#[derive(Deserialize)]
pub struct FriendCheck {
    accounts: Vec<Account>,
    /// Whether the others' lists are asked, too.
    #[serde(default = "yes")]
    both: bool,
}

fn yes() -> bool {
    true
}

impl FriendCheck {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let check: Self = object(args)?;
        in_number(check.accounts.len(), ACCOUNTS, "accounts")?;
        Ok(check)
    }

    /// # Errors
    /// If the lists cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let list = context
            .read(move |mailbox, account| {
                let lists = |kind, peer: &Account| mailbox.lists(account, kind, peer);
                let mut list = Vec::with_capacity(self.accounts.len());
                for peer in self.accounts {
                    let mine = lists(RelationKind::Friend, &peer)?;
                    let theirs = self.both && lists(RelationKind::FriendOf, &peer)?;
                    list.push((peer, relation(mine, theirs)));
                }
                Ok(list)
            })
            .await?;
        Ok(Granted::Ok(object_text(|reply| {
            reply.list("list", &list, |out, (account, relation)| {
                crate::gateway::ws::protocol::json::object(out, |item| {
                    item.text("account", account.as_str()).text("relation", relation);
                });
            });
        })))
    }
}

fn relation(mine: bool, theirs: bool) -> &'static str {
    match (mine, theirs) {
        (true, true) => "both",
        (true, false) => "mine",
        (false, true) => "theirs",
        (false, false) => "none",
    }
}
