//! What readers see of a mailbox: pure queries over rows, with the expiry rule applied.

mod blacklist;
mod conversation;
mod entry;
mod history;
mod mailbox;
mod messages;
mod timeline;

pub use blacklist::Listed;
pub use conversation::{RecentContact, RecentContacts};
pub use entry::{ChangeView, Entry, MessageFlagsView, MessageView};
pub(crate) use history::view_of;
pub use history::{HistoryFrom, HistoryPage, HistoryQuery};
pub use mailbox::Mailbox;
pub use timeline::TimelinePage;
