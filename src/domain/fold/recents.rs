use std::ops::ControlFlow;

use duolog_topics::{Account, Millis};

use super::step::Step;
use crate::domain::rows::{AccountRow, ConversationRow, Direction, RecentRow, RowsError, get};

impl Step<'_, '_> {
    /// The conversation for a change; an empty one if there is none or it has expired.
    pub fn conversation(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        peer: &Account,
    ) -> Result<ConversationRow, RowsError> {
        self.expire_recents(account, owner)?;
        Ok(self.mailbox().conversation(account, peer)?.unwrap_or_default())
    }

    /// Takes expired conversations back: their unread leave the total, their places among the recent contacts are given
    /// up. It looks at them only when one may have expired, so a busy account pays for it about once a day and contact.
    fn expire_recents(&mut self, account: &Account, owner: &mut AccountRow) -> Result<(), RowsError> {
        let horizon = self.meta().horizons.roaming;
        if owner.recents == 0 || owner.recents_from >= horizon {
            return Ok(());
        }
        owner.recents_from = Millis::MAX;
        for peer in self.recent_peers(account, usize::MAX)? {
            let row = self.stored_conversation(account, &peer)?;
            if row.record_time >= horizon {
                owner.recents_from = owner.recents_from.min(row.record_time);
                continue;
            }
            self.leave_recents(account, owner, &peer, &row);
            self.delete(ConversationRow::key(account, &peer));
        }
        self.put_account(account, owner);
        Ok(())
    }

    /// Puts a conversation at its place among the recent contacts. The caller stores both rows.
    pub fn move_recent(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        peer: &Account,
        row: &mut ConversationRow,
        time: Millis,
    ) {
        let others = if owner.recents == 0 { Millis::MAX } else { owner.recents_from };
        owner.recents_from = others.min(row.record_time);
        match row.recent.replace(time) {
            Some(before) if before == time => return,
            Some(before) => self.delete(RecentRow::key(account, before, peer)),
            None => owner.recents += 1,
        }
        self.put(RecentRow::key(account, time, peer), &RecentRow {});
    }

    /// Keeps the newest recent contacts only; what leaves the list takes its unread with it.
    pub fn evict_recents(&mut self, account: &Account, owner: &mut AccountRow) -> Result<(), RowsError> {
        let too_many = owner.recents.saturating_sub(self.meta().policy.recent_contacts.max(1));
        for peer in self.recent_peers(account, too_many as usize)? {
            let mut row = self.stored_conversation(account, &peer)?;
            self.leave_recents(account, owner, &peer, &row);
            row.forget_unread();
            row.recent = None;
            self.put(ConversationRow::key(account, &peer), &row);
        }
        Ok(())
    }

    /// Takes a conversation out of the recent contacts; its unread go with it. The caller stores both rows.
    pub fn leave_recents(&mut self, account: &Account, owner: &mut AccountRow, peer: &Account, row: &ConversationRow) {
        owner.unread_total = owner.unread_total.saturating_sub(row.unread);
        if let Some(time) = row.recent {
            self.delete(RecentRow::key(account, time, peer));
            owner.recents = owner.recents.saturating_sub(1);
        }
    }

    /// The row of a recent contact, expired or not: no compaction takes it while it has a place.
    fn stored_conversation(&self, account: &Account, peer: &Account) -> Result<ConversationRow, RowsError> {
        Ok(get(self.rows(), ConversationRow::key(account, peer).as_slice())?.unwrap_or_default())
    }

    /// The recent contacts that are longest without a message, at most `limit`.
    fn recent_peers(&self, account: &Account, limit: usize) -> Result<Vec<Account>, RowsError> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        self.mailbox().walk(&RecentRow::prefix(account), Direction::Forward, |key, _| {
            found.push(RecentRow::place(key)?.1);
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }
}

impl ConversationRow {
    /// None of its messages so far counts as unread any more, though nobody has read them. The caller corrects the total.
    pub(super) fn forget_unread(&mut self) {
        self.unread = 0;
        self.uncounted = self.newest_received;
    }
}
