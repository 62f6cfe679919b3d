use duolog_topics::{Account, MessageReceipted};

use super::args::Messages;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;

/// Messages that one receipt may name.
const KEYS: usize = 30;

/// `receipt`: the user confirms to the sender that he has read these messages.
pub struct Receipt(Messages);

impl Receipt {
    /// # Errors
    /// 90054 for a key that is none, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        Messages::parse(args, KEYS).map(Self)
    }

    pub fn peer(&self) -> &Account {
        &self.0.peer
    }

    /// # Errors
    /// What the log decides.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let (reader, Messages { peer: sender, keys }) = (context.account().clone(), self.0);
        context.change(MessageReceipted { reader, sender, keys }).await
    }
}
