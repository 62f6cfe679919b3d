use duolog_topics::{Account, MessageRecalled, MsgKey};
use serde::Deserialize;

use super::args::key;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `recall`: the user takes back a message of his own.
pub struct Recall {
    peer: Account,
    key: MsgKey,
}

#[derive(Deserialize)]
struct Args {
    peer: Account,
    key: String,
}

impl Recall {
    /// # Errors
    /// 90054 for a key that is none, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let args: Args = object(args)?;
        Ok(Self { peer: args.peer, key: key(&args.key)? })
    }

    pub fn peer(&self) -> &Account {
        &self.peer
    }

    /// # Errors
    /// 20016 too late, 20022 unknown, 20023 recalled already.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let from = context.account().clone();
        let by = from.clone();
        let (to, key, via) = (self.peer, self.key, context.via());
        context.change(MessageRecalled { from, to, key, by, by_operator: false, via }).await
    }
}
