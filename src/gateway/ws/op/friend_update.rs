use duolog_topics::{Account, FriendAction, FriendChanged};
use serde::Deserialize;

use super::{Context, Granted};
use crate::gateway::friend::{changed, check_groups, check_remark};
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// `friend_update`: what the user notes of a friend.
#[derive(Deserialize)]
pub struct FriendUpdate {
    account: Account,
    remark: Option<String>,
    groups: Option<Vec<String>>,
}

impl FriendUpdate {
    /// # Errors
    /// 30001 for a remark or a group that is not as it has to be, 30011 for too many groups, 60003 for another field.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let update: Self = object(args)?;
        check_remark(update.remark.as_deref().unwrap_or_default())?;
        check_groups(update.groups.as_deref().unwrap_or_default())?;
        Ok(update)
    }

    /// # Errors
    /// 31704 if the user does not list him.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let Self { account, remark, groups } = self;
        let update = changed(context.account(), account, FriendAction::Update, context.via());
        context.change(FriendChanged { remark, groups, ..update }).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_noted_has_to_be_what_the_server_api_takes() {
        let code = |field: &str, value: Value| {
            let parsed = FriendUpdate::parse(&json!({"account": "bob", field: value}).to_string());
            parsed.map_or_else(|failure| failure.code.number(), |_| 0)
        };
        assert_eq!((code("remark", json!("")), code("groups", json!([]))), (0, 0));
        assert_eq!(code("remark", json!("r".repeat(97))), 30_001);
        assert_eq!(code("groups", json!([""])), 30_001, "the server API could not delete it");
        assert_eq!(code("groups", json!(["g".repeat(31)])), 30_001);
        assert_eq!(code("groups", json!(vec!["g"; 33])), 30_011);
        assert_eq!(code("groups", json!("g")), 60_003);
    }
}
