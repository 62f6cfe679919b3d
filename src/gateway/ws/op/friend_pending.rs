use super::args::ListPage;
use super::{Context, Granted};
use crate::domain::rows::RelationKind;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::json::{object, object_text};

/// `friend_pending`: who asks to be the user's friend, in the order of their names.
pub struct FriendPending(ListPage);

impl FriendPending {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        ListPage::parse(args).map(Self)
    }

    /// # Errors
    /// If the list cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let (page, next) = self.0.read(context, RelationKind::Pending).await?;
        Ok(Granted::Ok(object_text(|reply| {
            reply.list("list", &page, |out, asking| {
                object(out, |item| {
                    item.text("account", asking.peer.as_str());
                    for (name, text) in [("wording", &asking.row.wording), ("source", &asking.row.source)] {
                        if let Some(text) = text {
                            item.text(name, text);
                        }
                    }
                    item.number("added", asking.added);
                });
            });
            if let Some(next) = &next {
                reply.text("next", next.as_str());
            }
        })))
    }
}
