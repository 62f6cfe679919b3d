use super::args::ListPage;
use super::{Context, Granted};
use crate::domain::rows::RelationKind;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::json::{object, object_text};

/// `blacklist`: whom the user has blocked, in the order of their names.
pub struct Blacklist(ListPage);

impl Blacklist {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        ListPage::parse(args).map(Self)
    }

    /// # Errors
    /// If the list cannot be read now.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let limit = self.0.limit();
        let after = self.0.after;
        let list = context
            .read(move |mailbox, account| mailbox.listed(account, RelationKind::Block, after.as_ref(), limit + 1))
            .await?;
        let page = &list[..list.len().min(limit)];
        Ok(Granted::Ok(object_text(|reply| {
            reply.list("list", page, |out, listed| {
                object(out, |item| {
                    item.text("account", listed.peer.as_str()).number("added", listed.added);
                });
            });
            if let Some(last) = page.last().filter(|_| list.len() > limit) {
                reply.text("next", last.peer.as_str());
            }
        })))
    }
}
