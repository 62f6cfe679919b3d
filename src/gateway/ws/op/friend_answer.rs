use duolog_topics::{Account, FriendAction, FriendChanged};
use serde::Deserialize;

use super::{Context, Granted};
use crate::gateway::friend::{changed, check_remark};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `friend_answer`: the user accepts or refuses who asks to be his friend; accepted, each lists the other.
#[derive(Deserialize)]
pub struct FriendAnswer {
    account: Account,
    accept: bool,
    remark: Option<String>,
}

impl FriendAnswer {
    /// # Errors
    /// 30001 for a text that is too long, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let answer: Self = object(args)?;
        check_remark(answer.remark.as_deref().unwrap_or_default())?;
        Ok(answer)
    }

    /// # Errors
    /// 30614 if he does not ask.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let action = if self.accept { FriendAction::Accept } else { FriendAction::Refuse };
        let answer = changed(context.account(), self.account, action, context.via());
        context.change(FriendChanged { both: true, remark: self.remark, ..answer }).await
    }
}
