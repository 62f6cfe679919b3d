use duolog_topics::{Account, FriendAction, FriendChanged};
use serde::Deserialize;

use super::friend_update::{SOURCE_BYTES, WORDING_BYTES, check_groups, check_remark, check_text};
use super::{Context, Granted};
use crate::domain::verdict::Answer;
use crate::domain::view::Mailbox;
use crate::error::Code;
use crate::gateway::profile;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;
use crate::gateway::ws::protocol::json::object_text;

/// `friend_add`: the user lists somebody as a friend, by default each the other; or asks him, if he wants to be asked.
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
        check_remark(add.remark.as_deref())?;
        check_groups(add.group.as_slice())?;
        check_text(add.wording.as_deref(), "wording", WORDING_BYTES)?;
        check_text(add.source.as_deref(), "source", SOURCE_BYTES)?;
        Ok(add)
    }

    /// How the peer may be added: his own home knows whom he lets.
    async fn allowed(&self, context: &Context) -> Result<FriendAction, Failure> {
        let (peer, owner, both) = (self.account.clone(), context.account().clone(), self.both);
        let query = move |mailbox: &Mailbox<'_>| profile::adding(mailbox, &peer, &owner, both, false);
        let asked = context.engine().read(&self.account, query).await?;
        Ok(asked.unwrap_or(Err(Code::RELATION_ACCOUNT_UNKNOWN))?)
    }

    /// # Errors
    /// 30516 the peer lets nobody add him, 30515 blocked by the user, 30525 by the peer, 30010 and 30014 too many friends,
    /// 30012 too many requests, 30009 the user may not add, 30003 nobody.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let event = FriendChanged {
            action: self.allowed(context).await?,
            owner: context.account().clone(),
            peer: self.account,
            both: self.both,
            forced: false,
            remark: self.remark,
            groups: self.group.map(|group| vec![group]),
            source: self.source,
            wording: self.wording,
            custom: None,
            decided: None,
            via: context.via(),
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
