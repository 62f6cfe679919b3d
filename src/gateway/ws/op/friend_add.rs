use duolog_topics::{Account, FriendAction, FriendChanged};
use serde::Deserialize;

use super::{Context, Granted};
use crate::domain::verdict::Answer;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;
use crate::gateway::ws::protocol::json::object_text;

/// `friend_add`: the user lists somebody as a friend, by default each the other.
#[derive(Deserialize)]
pub struct FriendAdd {
    account: Account,
    remark: Option<String>,
    group: Option<String>,
    wording: Option<String>,
    source: Option<String>,
    #[serde(default = "yes")]
    both: bool,
}

fn yes() -> bool {
    true
}

impl FriendAdd {
    /// # Errors
    /// 30001 for a text that is too long, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let add: Self = object(args)?;
        super::friend_update::check_remark(add.remark.as_deref())?;
        super::friend_update::check_groups(add.group.as_slice())?;
        super::friend_update::check_text(add.wording.as_deref(), "wording", super::friend_update::WORDING_BYTES)?;
        super::friend_update::check_text(add.source.as_deref(), "source", super::friend_update::SOURCE_BYTES)?;
        Ok(add)
    }

    /// # Errors
    /// 30515 blocked by the user, 30525 by the peer, 30010 too many friends, 30003 nobody.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let event = FriendChanged {
            owner: context.account().clone(),
            peer: self.account,
            action: FriendAction::Add,
            both: self.both,
            forced: false,
            remark: self.remark,
            groups: self.group.map(|group| vec![group]),
            source: self.source,
            wording: self.wording,
            decided: None,
        };
        let state = match context.submit(event).await? {
            Answer::Pending => "pending",
            _ => "added",
        };
        Ok(Granted::Ok(object_text(|reply| {
            reply.text("state", state);
        })))
    }
}
