use duolog_topics::{Account, MessageDeleted, MsgKey};
use serde::Deserialize;

use super::args::keys;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// Messages that one `delete` may name.
const KEYS: usize = 1_000;

/// `delete`: messages leave the user's own view; one that is not there is as good as deleted.
pub struct Delete {
    peer: Account,
    keys: Vec<MsgKey>,
}

#[derive(Deserialize)]
struct Args {
    peer: Account,
    keys: Vec<String>,
}

impl Delete {
    /// # Errors
    /// 90054 for a key that is none, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let args: Args = object(args)?;
        Ok(Self { peer: args.peer, keys: keys(&args.keys, KEYS)? })
    }

    pub fn peer(&self) -> &Account {
        &self.peer
    }

    /// # Errors
    /// What the log decides.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        context.change(MessageDeleted { peer: self.peer, keys: self.keys }).await
    }
}
