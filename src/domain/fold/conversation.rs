use duolog_topics::{Account, ConversationCleared, ConversationDeleted};

use super::step::Step;
use crate::domain::rows::{AccountRow, Change, ConversationRow, HistoryPlace, Hot, RowsError};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;

impl Step<'_, '_> {
    /// Takes a conversation out of the recent contacts, until its next message.
    pub fn conversation_deleted(&mut self, event: &ConversationDeleted) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut owner) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::RECENTS_ACCOUNT_UNKNOWN.into()));
        };
        let mut row = self.conversation(&account, &mut owner, &event.peer)?;
        if row.recent.is_some() {
            self.leave_recents(&account, &mut owner, &event.peer, &row);
            row.forget_unread();
            row.recent = None;
            row.changed = self.add_change(&account, &mut owner, Change::RecentRemoved { peer: event.peer.clone() })?;
            self.put_conversation(&account, &event.peer, row.clone());
        }
        if event.clear_history {
            self.clear(&account, &mut owner, &event.peer, row)?;
        }
        self.put_account(&account, owner);
        Ok(Verdict::Applied(Answer::Done))
    }

    pub fn conversation_cleared(&mut self, event: &ConversationCleared) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut owner) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        };
        let row = self.conversation(&account, &mut owner, &event.peer)?;
        self.clear(&account, &mut owner, &event.peer, row)?;
        self.put_account(&account, owner);
        Ok(Verdict::Applied(Answer::Done))
    }

    /// Hides everything so far from one user's view: a mark that later reads obey, however long the history is.
    fn clear(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        peer: &Account,
        mut row: Hot<ConversationRow>,
    ) -> Result<(), RowsError> {
        if row.newest_time <= row.cleared.time {
            return Ok(());
        }
        row.cleared = HistoryPlace { time: row.newest_time, sequence: owner.sequence };
        row.last = None;
        owner.unread_total = owner.unread_total.saturating_sub(row.unread);
        row.forget_unread();
        let change = Change::DeleteUntil { peer: peer.clone(), until: row.newest_time };
        row.changed = self.add_change(account, owner, change)?;
        self.put_conversation(account, peer, row);
        Ok(())
    }
}
