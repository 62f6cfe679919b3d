use duolog_topics::{Account, MessageDeleted};

use super::args::Messages;
use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;

/// Messages that one `delete` may name.
const KEYS: usize = 1_000;

/// `delete`: messages leave the user's own view; one that is not there is as good as deleted.
pub struct Delete(Messages);

impl Delete {
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
        let Messages { peer, keys } = self.0;
        context.change(MessageDeleted { peer, keys }).await
    }
}
