use super::args::ListPage;
use super::{Context, Granted};
use crate::domain::rows::RelationKind;
use crate::domain::view::Listed;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::json::{object, object_text, write_text};

/// `friends`: whom the user lists as a friend, in the order of their names.
pub struct Friends(ListPage);

impl Friends {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        ListPage::parse(args).map(Self)
    }

    /// # Errors
    /// If the list cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let (page, next) = self.0.read(context, RelationKind::Friend).await?;
        Ok(Granted::Ok(object_text(|reply| {
            reply.list("list", &page, write_friend);
            if let Some(next) = &next {
                reply.text("next", next.as_str());
            }
        })))
    }
}

/// Writes a friend as his lister sees him: `{account, remark?, groups, added, source?}`.
pub fn write_friend(out: &mut String, friend: &Listed) {
    object(out, |item| {
        item.text("account", friend.peer.as_str());
        if let Some(remark) = &friend.row.remark {
            item.text("remark", remark);
        }
        item.list("groups", &friend.row.groups, |out, group| write_text(out, group));
        item.number("added", friend.added);
        if let Some(source) = &friend.row.source {
            item.text("source", source);
        }
    });
}
