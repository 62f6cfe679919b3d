use duolog_topics::Account;

use super::args::accounts;
use super::{Context, Granted};
use crate::gateway::presence::{Presence, State};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::failure::platform_name;
use crate::gateway::ws::protocol::json::{list, object, object_text, write_text};

/// Accounts that one request may ask for.
const ACCOUNTS: usize = 500;

/// `status`: who is there, and on what. Whoever does not exist is offline.
pub struct Status(Vec<Account>);

impl Status {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        accounts(args, ACCOUNTS).map(Self)
    }

    /// # Errors
    /// If the accounts cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let found = context.engine().read_each(self.0.clone(), Presence::of).await?;
        Ok(Granted::Ok(object_text(|reply| {
            reply.list("list", self.0.iter().zip(&found), |out, (account, presence)| {
                write_status(out, account, presence.as_ref());
            });
        })))
    }
}

fn write_status(out: &mut String, account: &Account, presence: Option<&Presence>) {
    object(out, |item| {
        item.text("account", account.as_str());
        let state = match presence.map_or(State::Offline, |presence| presence.state) {
            State::Online => "online",
            State::PushOnline => "push_online",
            State::Offline => "offline",
        };
        item.text("state", state);
        if let Some(presence) = presence.filter(|presence| !presence.platforms.is_empty()) {
            let highest = presence.platforms.iter().filter(|on| on.state == presence.state);
            list(item.value("platforms"), highest, |out, on| write_text(out, platform_name(on.platform)));
        }
    });
}
