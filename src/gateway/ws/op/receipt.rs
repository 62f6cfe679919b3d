use duolog_topics::{Account, MessageReceipted, MsgKey};
use serde::Deserialize;

use super::args::keys;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// Messages that one receipt may name.
const KEYS: usize = 30;

/// `receipt`: the user confirms to the sender that he has read these messages.
pub struct Receipt {
    peer: Account,
    keys: Vec<MsgKey>,
}

#[derive(Deserialize)]
struct Args {
    peer: Account,
    keys: Vec<String>,
}

impl Receipt {
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
        let reader = context.account().clone();
        context.change(MessageReceipted { reader, sender: self.peer, keys: self.keys }).await
    }
}
