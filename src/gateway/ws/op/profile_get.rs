use duolog_topics::{Account, ProfileItem};
use serde::Deserialize;

use super::args::in_number;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::entry::write_items;
use crate::gateway::ws::protocol::frame::object;
use crate::gateway::ws::protocol::json;

/// Accounts that one request may ask for.
const ACCOUNTS: usize = 100;

/// `profile_get`: what users say of themselves; of an account that does not exist, nothing.
#[derive(Deserialize)]
pub struct ProfileGet {
    accounts: Vec<Account>,
    /// Only these fields; all of them if absent.
    tags: Option<Vec<String>>,
}

impl ProfileGet {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let get: Self = object(args)?;
        in_number(get.accounts.len(), ACCOUNTS, "accounts")?;
        Ok(get)
    }

    /// # Errors
    /// If the profiles cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let tags = self.tags;
        let profiles = context
            .engine()
            .read_each(self.accounts.clone(), move |mailbox, account| {
                if !mailbox.exists(account)? {
                    return Ok(Vec::new());
                }
                let wanted = |item: &ProfileItem| tags.as_ref().is_none_or(|tags| tags.contains(&item.tag));
                let profile = mailbox.profile(account)?;
                Ok(profile.items.iter().map(ProfileItem::from).filter(wanted).collect::<Vec<_>>())
            })
            .await?;
        Ok(Granted::Ok(json::object_text(|reply| {
            reply.list("list", self.accounts.iter().zip(&profiles), |out, (account, items)| {
                json::object(out, |item| {
                    item.text("account", account.as_str());
                    write_items(item.value("items"), items);
                });
            });
        })))
    }
}
