use duolog_topics::{Account, ConversationCleared};
use serde::Deserialize;

use super::{Context, Granted};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `clear_history`: a conversation's messages leave the user's own view.
#[derive(Deserialize)]
pub struct ClearHistory {
    peer: Account,
}

impl ClearHistory {
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
        context.change(ConversationCleared { peer: self.peer }).await
    }
}
