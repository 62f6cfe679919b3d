use duolog_topics::{Account, FriendAction, FriendChanged};
use serde::Deserialize;

use super::{Context, Granted};
use crate::error::Code;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// Longest texts of a friend, in bytes: those of the server API.
const REMARK_BYTES: usize = 96;
const GROUP_BYTES: usize = 30;
pub const WORDING_BYTES: usize = 256;
/// `AddSource_Type_` and at most 8 letters.
pub const SOURCE_BYTES: usize = 23;
/// Groups that one friend may be in.
const GROUPS: usize = 32;

/// `friend_update`: what the user notes of a friend.
#[derive(Deserialize)]
pub struct FriendUpdate {
    account: Account,
    remark: Option<String>,
    groups: Option<Vec<String>>,
}

impl FriendUpdate {
    /// # Errors
    /// 30001 for a text that is too long, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let update: Self = object(args)?;
        check_remark(update.remark.as_deref())?;
        check_groups(update.groups.as_deref().unwrap_or_default())?;
        Ok(update)
    }

    /// # Errors
    /// 31704 if the user does not list him.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let event = FriendChanged {
            owner: context.account().clone(),
            peer: self.account,
            action: FriendAction::Update,
            both: false,
            forced: false,
            remark: self.remark,
            groups: self.groups,
            source: None,
            wording: None,
            custom: None,
            decided: None,
            via: context.via(),
        };
        context.change(event).await
    }
}

pub fn check_remark(remark: Option<&str>) -> Result<(), Failure> {
    check_text(remark, "remark", REMARK_BYTES)
}

pub fn check_groups(groups: &[String]) -> Result<(), Failure> {
    if groups.len() > GROUPS {
        return Err(Failure::new(Code::FRIEND_GROUPS_FULL, format!("groups: more than {GROUPS}")));
    }
    groups.iter().try_for_each(|group| check_text(Some(group), "group", GROUP_BYTES))
}

/// # Errors
/// 30001 if the text is too long.
pub fn check_text(text: Option<&str>, field: &'static str, limit: usize) -> Result<(), Failure> {
    match text {
        Some(text) if text.len() > limit => {
            Err(Failure::new(Code::RELATION_PARAMETER_INVALID, format!("{field}: more than {limit} bytes")))
        }
        _ => Ok(()),
    }
}
