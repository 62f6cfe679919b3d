use duolog_topics::{Account, MessageModified, MsgKey};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::args::key;
use super::{Context, Granted};
use crate::gateway::elements::{Held, check_change};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `modify`: the user replaces what a message of his own says.
pub struct Modify {
    peer: Account,
    key: MsgKey,
    body: Option<String>,
    custom: Option<String>,
}

#[derive(Deserialize)]
struct Args<'a> {
    peer: Account,
    key: String,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    custom: Option<String>,
}

impl Modify {
    /// # Errors
    /// 90054 for a key that is none, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let args: Args<'_> = object(args)?;
        if args.body.is_none() && args.custom.is_none() {
            return Err(Failure::malformed("neither body nor custom"));
        }
        let body = args.body.map(|body| body.get().to_owned());
        Ok(Self { peer: args.peer, key: key(&args.key)?, body, custom: args.custom })
    }

    pub fn peer(&self) -> &Account {
        &self.peer
    }

    /// # Errors
    /// The codes of a wrong body; 20022 unknown, 20023 recalled.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let limit = context.settings().limits.body_bytes;
        let held =
            if self.body.is_some() && self.custom.is_some() { Held::default() } else { self.held(context).await? };
        let checked = check_change(self.body.as_deref(), self.custom.as_deref(), &held, limit);
        let body = checked.map_err(|error| Failure::new(error.code(), error.to_string()))?;
        let from = context.account().clone();
        let by = from.clone();
        let (to, key, custom) = (self.peer, self.key, self.custom);
        context.change(MessageModified { from, to, key, by, by_operator: false, body, custom }).await
    }

    /// What the message says now; nothing of one that is unknown: the log refuses the change.
    async fn held(&self, context: &Context) -> Result<Held, Failure> {
        let (peer, key) = (self.peer.clone(), self.key);
        let message = context.read(move |mailbox, account| {
            let found = mailbox.find_sent(account, &peer, account, key)?;
            found.map(|(_, entry)| mailbox.message(entry.pointer)).transpose()
        });
        let message = message.await?.flatten();
        Ok(message.map(|row| Held { body: row.body.as_str().to_owned(), custom: row.custom }).unwrap_or_default())
    }
}
