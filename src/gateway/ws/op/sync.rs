use serde::Deserialize;

use super::args::page_size;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::entry::write_entry;
use crate::gateway::ws::protocol::fit::shorten;
use crate::gateway::ws::protocol::frame::object;
use crate::gateway::ws::protocol::json::object_text;

/// Entries in a page of the timeline: of the catch-up and of `sync`.
pub const PAGE: usize = 200;

/// `sync`: a page of the timeline, for a client whose own cursor is not where a push begins.
pub struct Sync {
    after: u64,
    limit: usize,
}

#[derive(Deserialize)]
struct Args {
    after: u64,
    limit: Option<u64>,
}

impl Sync {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let Args { after, limit } = object(args)?;
        Ok(Self { after, limit: page_size(limit, PAGE)? })
    }

    /// # Errors
    /// If the timeline cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let mut page = context.read(move |mailbox, account| mailbox.timeline(account, self.after, self.limit)).await?;
        shorten(&mut page);
        let ok = object_text(|object| {
            object.list("list", &page.list, |out, (sequence, entry)| {
                write_entry(out, context.account(), Some(*sequence), entry);
            });
            object.number("cursor", page.cursor).boolean("more", page.more);
        });
        Ok(Granted::Entries { ok, cursor: page.cursor })
    }
}
