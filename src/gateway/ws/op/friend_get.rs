use duolog_topics::Account;

use super::args::accounts;
use super::friends::write_friend;
use super::{Context, Granted};
use crate::domain::rows::RelationKind;
use crate::domain::view::Listed;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::json::object_text;

/// Accounts that one request may ask for.
const ACCOUNTS: usize = 100;

/// `friend_get`: what the user noted of these friends; whoever is none is left out.
pub struct FriendGet(Vec<Account>);

impl FriendGet {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        accounts(args, ACCOUNTS).map(Self)
    }

    /// # Errors
    /// If the list cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let found = context
            .read(move |mailbox, account| {
                let mut found = Vec::new();
                for peer in self.0 {
                    if let Some(row) = mailbox.relation(account, RelationKind::Friend, &peer)?.filter(|row| row.listed)
                    {
                        found.push(Listed { peer, added: row.added, row });
                    }
                }
                Ok(found)
            })
            .await?;
        Ok(Granted::Ok(object_text(|reply| {
            reply.list("list", &found, write_friend);
        })))
    }
}
