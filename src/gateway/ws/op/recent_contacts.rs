use serde::Deserialize;

use super::args::page_size;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;
use crate::gateway::ws::protocol::json::object_text;
use crate::gateway::ws::protocol::reply::write_contacts;

/// `recent_contacts`: whom the user talked with, the last one first.
pub struct RecentContacts {
    limit: usize,
}

#[derive(Deserialize)]
struct Args {
    limit: Option<u64>,
}

impl RecentContacts {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let Args { limit } = object(args)?;
        // How many there are at most is the policy's affair.
        Ok(Self { limit: page_size(limit, usize::MAX)? })
    }

    /// # Errors
    /// If the mailbox cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let mut contacts = context.read(|mailbox, account| mailbox.recent_contacts(account, None)).await?;
        contacts.list.truncate(self.limit);
        Ok(Granted::Ok(object_text(|object| {
            write_contacts(object, context.account(), &contacts.list);
            object.number("unread_total", contacts.unread_total);
        })))
    }
}
