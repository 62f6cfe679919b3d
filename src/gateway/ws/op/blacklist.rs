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
        let (page, next) = self.0.read(context, RelationKind::Block).await?;
        Ok(Granted::Ok(object_text(|reply| {
            reply.list("list", &page, |out, listed| {
                object(out, |item| {
                    item.text("account", listed.peer.as_str()).number("added", listed.added);
                });
            });
            if let Some(next) = &next {
                reply.text("next", next.as_str());
            }
        })))
    }
}
