use std::ops::ControlFlow;

use duolog_topics::{Account, Millis};

use super::step::Step;
use crate::domain::rows::{AccountRow, ConversationRow, Direction, Hot, Recent, RecentRow, RowsError, get_hot};

/// A recent contact and its conversation.
type Passed = (Recent, Account, Hot<ConversationRow>);

impl Step<'_, '_> {
    /// The conversation for a change; an empty one if there is none or it has expired.
    pub fn conversation(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        peer: &Account,
    ) -> Result<Hot<ConversationRow>, RowsError> {
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
        for peer in self.recent_peers(account)? {
            let row = self.stored_conversation(account, &peer)?;
            if row.record_time >= horizon {
                owner.recents_from = owner.recents_from.min(row.record_time);
                continue;
            }
            self.leave_recents(account, owner, &peer, &row);
            self.delete(ConversationRow::key(account, &peer));
        }
        self.put_account(account, owner.clone());
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
        let before = row.recent.filter(|recent| recent.row <= time);
        if before.is_none() {
            match row.recent {
                Some(recent) => self.delete(RecentRow::key(account, recent.row, peer)),
                None => owner.recents += 1,
            }
            self.put(RecentRow::key(account, time, peer), &RecentRow {});
        }
        row.recent = Some(Recent { time, row: before.map_or(time, |recent| recent.row) });
    }

    /// Keeps the newest recent contacts only; what leaves the list takes its unread with it.
    pub fn evict_recents(&mut self, account: &Account, owner: &mut AccountRow) -> Result<(), RowsError> {
        while owner.recents > self.meta().policy.recent_contacts.max(1) {
            let Some((peer, mut row)) = self.oldest_recent(account)? else {
                return Ok(());
            };
            self.leave_recents(account, owner, &peer, &row);
            row.forget_unread();
            row.recent = None;
            self.put_conversation(account, &peer, row);
        }
        Ok(())
    }

    /// The recent contact that is longest without a message. The rows that stood before its own are put where their
    /// conversations are now, so that the next search does not meet them again.
    fn oldest_recent(&mut self, account: &Account) -> Result<Option<(Account, Hot<ConversationRow>)>, RowsError> {
        let mut passed = self.recents_up_to_oldest(account)?;
        let places = passed.iter().enumerate();
        let oldest = places.min_by(|(_, a), (_, b)| (a.0.time, &a.1).cmp(&(b.0.time, &b.1))).map(|(place, _)| place);
        let oldest = oldest.map(|place| passed.swap_remove(place));
        for (recent, peer, mut row) in passed.into_iter().filter(|(recent, ..)| recent.time > recent.row) {
            self.delete(RecentRow::key(account, recent.row, &peer));
            self.put(RecentRow::key(account, recent.time, &peer), &RecentRow {});
            row.recent = Some(Recent { time: recent.time, row: recent.time });
            self.put_conversation(account, &peer, row);
        }
        Ok(oldest.map(|(_, peer, row)| (peer, row)))
    }

    /// Recent contacts in the order of their rows, until no later row can be of an older one.
    fn recents_up_to_oldest(&self, account: &Account) -> Result<Vec<Passed>, RowsError> {
        let (mut passed, mut oldest): (Vec<Passed>, _) = (Vec::new(), Millis::MAX);
        let mailbox = self.mailbox();
        mailbox.walk(&RecentRow::prefix(account), Direction::Forward, |key, _| {
            let (row, peer) = RecentRow::place(key)?;
            if row > oldest {
                return Ok(ControlFlow::Break(()));
            }
            let mut conversation = self.stored_conversation(account, &peer)?;
            let recent = *conversation.recent.get_or_insert(Recent { time: row, row });
            oldest = oldest.min(recent.time);
            passed.push((recent, peer, conversation));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(passed)
    }

    /// Takes a conversation out of the recent contacts; its unread go with it. The caller stores both rows.
    pub fn leave_recents(&mut self, account: &Account, owner: &mut AccountRow, peer: &Account, row: &ConversationRow) {
        owner.unread_total = owner.unread_total.saturating_sub(row.unread);
        if let Some(recent) = row.recent {
            self.delete(RecentRow::key(account, recent.row, peer));
            owner.recents = owner.recents.saturating_sub(1);
        }
    }

    /// The row of a recent contact, expired or not: no compaction takes it while it has a place.
    fn stored_conversation(&self, account: &Account, peer: &Account) -> Result<Hot<ConversationRow>, RowsError> {
        Ok(get_hot(self.rows(), ConversationRow::key(account, peer).as_slice())?.unwrap_or_default())
    }

    fn recent_peers(&self, account: &Account) -> Result<Vec<Account>, RowsError> {
        let mut found = Vec::new();
        self.mailbox().walk(&RecentRow::prefix(account), Direction::Forward, |key, _| {
            found.push(RecentRow::place(key)?.1);
            Ok(ControlFlow::Continue(()))
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
