use std::ops::ControlFlow;

use duolog_topics::{Account, Millis};

use super::{Mailbox, MessageView};
use crate::domain::rows::{ConversationRow, Direction, HistoryPlace, Hot, RecentRow, RowsError};

/// One of the recent contacts.
#[derive(Clone, PartialEq, Debug)]
pub struct RecentContact {
    pub peer: Account,
    /// Its place: the message time that brought it there.
    pub time: Millis,
    pub unread: u64,
    pub read_time: Millis,
    pub peer_read_time: Millis,
    /// Sequence of the last change.
    pub changed: u64,
    /// The last message and its sequence; absent if it was cleared.
    pub last: Option<(u64, MessageView)>,
}

/// Newest first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RecentContacts {
    pub list: Vec<RecentContact>,
    /// Of all recent contacts.
    pub unread_total: u64,
}

impl Mailbox<'_> {
    /// The recent contacts, newest first; with `changed_after` only those that changed since that sequence.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn recent_contacts(&self, account: &Account, changed_after: Option<u64>) -> Result<RecentContacts, RowsError> {
        let mut recents = RecentContacts::default();
        for (peer, conversation) in self.recent_conversations(account)? {
            recents.unread_total += conversation.unread;
            if changed_after.is_some_and(|cursor| conversation.changed <= cursor) {
                continue;
            }
            let last = match conversation.last {
                Some(place) => {
                    self.message_at(account, &peer, &conversation, place)?.map(|message| (place.sequence, message))
                }
                None => None,
            };
            recents.list.push(RecentContact {
                peer,
                time: conversation.recent.map_or(0, |recent| recent.time),
                unread: conversation.unread,
                read_time: conversation.read_time,
                peer_read_time: conversation.peer_read_time,
                changed: conversation.changed,
                last,
            });
        }
        Ok(recents)
    }

    /// The conversations that are recent contacts, newest first.
    fn recent_conversations(&self, account: &Account) -> Result<Vec<(Account, Hot<ConversationRow>)>, RowsError> {
        let mut found = Vec::new();
        self.walk(&RecentRow::prefix(account), Direction::Forward, |key, _| {
            let (_, peer) = RecentRow::place(key)?;
            if let Some(conversation) = self.conversation(account, &peer)? {
                found.push((peer, conversation));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let newest = |row: &ConversationRow| (row.recent.map(|recent| recent.time), row.last.map(|last| last.sequence));
        found.sort_unstable_by(|(a, x), (b, y)| newest(y).cmp(&newest(x)).then_with(|| a.cmp(b)));
        found.truncate(self.meta.policy.recent_contacts as usize);
        Ok(found)
    }

    fn message_at(
        &self,
        account: &Account,
        peer: &Account,
        conversation: &ConversationRow,
        place: HistoryPlace,
    ) -> Result<Option<MessageView>, RowsError> {
        let Some(entry) = self.messages(account, peer, &conversation.newest).at(place)? else {
            return Ok(None);
        };
        let message = self.message(entry.pointer)?;
        Ok(message.map(|message| self.message_view(account, peer, &entry, message, conversation)))
    }
}
