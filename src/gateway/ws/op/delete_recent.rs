use duolog_topics::{Account, ConversationDeleted};
use serde::Deserialize;

use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `delete_recent`: a conversation leaves the recent contacts, with its history if asked for.
#[derive(Deserialize)]
pub struct DeleteRecent {
    peer: Account,
    #[serde(default)]
    clear_history: bool,
}

impl DeleteRecent {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        object(args)
    }

    pub fn peer(&self) -> &Account {
        &self.peer
    }

    /// # Errors
    /// What the log decides.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        context.change(ConversationDeleted { peer: self.peer, clear_history: self.clear_history }).await
    }
}
