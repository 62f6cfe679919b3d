use duolog_topics::{Account, FriendAction, FriendChanged};
use serde::Deserialize;

use super::{Context, Granted};
use crate::domain::verdict::Answer;
use crate::domain::view::Mailbox;
use crate::error::Code;
use crate::gateway::friend::{changed, check_free_source, check_groups, check_remark, check_wording};
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
    /// 30001 for a text that is not as it has to be, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let mut add: Self = object(args)?;
        // As in the server API: no name is no group.
        add.group = add.group.filter(|group| !group.is_empty());
        check_remark(add.remark.as_deref().unwrap_or_default())?;
        check_groups(add.group.as_slice())?;
        check_wording(add.wording.as_deref().unwrap_or_default())?;
        add.source.as_deref().map_or(Ok(()), check_free_source)?;
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
        let action = self.allowed(context).await?;
        let event = FriendChanged {
            both: self.both,
            remark: self.remark,
            groups: self.group.map(|group| vec![group]),
            source: self.source,
            wording: self.wording,
            ..changed(context.account(), self.account, action, context.via())
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(field: &str, value: Value) -> Result<FriendAdd, u32> {
        let parsed = FriendAdd::parse(&json!({"account": "bob", field: value}).to_string());
        parsed.map_err(|failure| failure.code.number())
    }

    #[test]
    fn what_is_noted_is_no_longer_than_the_server_api_takes() {
        for (field, value) in [
            ("remark", "r".repeat(97)),
            ("group", "g".repeat(31)),
            ("wording", "w".repeat(257)),
            ("source", "AddSource_Type_123456789".to_owned()),
        ] {
            assert_eq!(parse(field, json!(value)).err(), Some(30_001), "{field}: {value}");
        }
        for source in ["AddSource_Type_web", "web"] {
            assert_eq!(parse("source", json!(source)).unwrap().source.as_deref(), Some(source));
        }
    }

    #[test]
    fn a_group_without_a_name_is_none() {
        assert_eq!(parse("group", json!("")).unwrap().group, None);
        assert_eq!(parse("group", json!("g")).unwrap().group.as_deref(), Some("g"));
    }
}
