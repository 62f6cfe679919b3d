use std::ops::ControlFlow;

use duolog_topics::{AccountImported, AccountKicked, CloseReason, MuteChanged, ProfileItem, TagValue};

use super::STEP_LIMIT;
use super::step::Step;
use crate::domain::rows::{
    Direction, EndedSession, Key, ProfileRow, PushTokenRow, RowsError, SessionRow, StoredItem, Table,
};
use crate::domain::verdict::{Answer, Effect, EndReason, SessionEnded, Verdict};
use crate::error::Code;

/// What an account owns besides its own row and its relations; a deletion takes it away.
const OWNED: [Table; 9] = [
    Table::FriendGroups,
    Table::Session,
    Table::Device,
    Table::Recent,
    Table::Profile,
    Table::PushToken,
    Table::Conversation,
    Table::Timeline,
    Table::History,
];

impl Step<'_, '_> {
    /// Importing again changes nothing but the profile fields that it names.
    pub fn account_imported(&mut self, event: &AccountImported) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let mut row = self.mailbox().account_row(&account)?.unwrap_or_default();
        if row.clearing {
            if self.clear_some()? {
                return Ok(Verdict::Applied(Answer::Partial));
            }
            row.clearing = false;
        }
        if !row.exists {
            row.exists = true;
            row.timeline_id = *self.envelope.id.as_bytes();
            row.unread_total = 0;
            row.recents = 0;
            row.recents_from = 0;
            row.blocked = 0;
            row.friends = 0;
            row.muted_until = 0;
            row.group_muted_until = 0;
            row.floor = row.sequence;
            row.pending = 0;
            row.broadcasts = self.meta().broadcasts;
        }
        self.put_account(&account, row);
        let named = [("Tag_Profile_IM_Nick", &event.nick), ("Tag_Profile_IM_Image", &event.face_url)];
        let items: Vec<ProfileItem> = named
            .into_iter()
            .filter_map(|(tag, text)| Some((tag, text.clone()?)))
            .map(|(tag, text)| ProfileItem { tag: tag.to_owned(), value: TagValue::Text(text) })
            .collect();
        if !items.is_empty() {
            let mut profile = self.mailbox().profile(&account)?;
            items.iter().for_each(|item| profile.set(StoredItem::from(item)));
            self.put(ProfileRow::key(&account), &profile);
        }
        Ok(Verdict::Applied(Answer::Done))
    }

    /// The account is gone with this record; its rows go with it and, if there are many, with further ones.
    pub fn account_deleted(&mut self) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut row) = self.mailbox().account_row(&account)?.filter(|row| row.exists || row.clearing) else {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        };
        if row.exists {
            self.end_sessions(&account, &EndReason::AccountDeleted)?;
            row.exists = false;
            row.clearing = true;
            row.online = 0;
        }
        let more = self.clear_some()?;
        row.clearing = more;
        self.put_account(&account, row);
        Ok(Verdict::Applied(if more { Answer::Partial } else { Answer::Done }))
    }

    /// Ends relations and deletes rows that the account owns, up to a step's limit; whether there are more. What has
    /// expired is left to compaction: whether it is still there may not change the answer.
    fn clear_some(&mut self) -> Result<bool, RowsError> {
        let account = self.envelope.account.clone();
        let limit = STEP_LIMIT - self.end_relations(&account, STEP_LIMIT)?;
        if limit == 0 {
            return Ok(true);
        }
        let mut gone: Vec<Key> = Vec::new();
        for table in OWNED {
            let prefix = Key::of(table).account(&account);
            let mailbox = self.mailbox();
            mailbox.walk(&prefix, Direction::Forward, |key, value| {
                if !mailbox.may_be_gone(table, value)? {
                    gone.push(Key::from(key));
                }
                Ok(if gone.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if gone.len() > limit {
                break;
            }
        }
        let more = gone.len() > limit;
        gone.into_iter().take(limit).for_each(|key| self.delete(key));
        Ok(more)
    }

    pub fn account_kicked(&mut self, event: &AccountKicked) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut row) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        };
        self.end_sessions(&account, &EndReason::KickedByAdmin)?;
        row.online = 0;
        row.not_before = row.not_before.max(event.not_before);
        self.put_account(&account, row);
        Ok(Verdict::Applied(Answer::Done))
    }

    pub fn mute_changed(&mut self, event: &MuteChanged) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut row) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        };
        row.muted_until = event.c2c_until.unwrap_or(row.muted_until);
        row.group_muted_until = event.group_until.unwrap_or(row.group_muted_until);
        self.put_account(&account, row);
        Ok(Verdict::Applied(Answer::Done))
    }

    /// Removes every session of an account and tells those that are connected why.
    fn end_sessions(&mut self, account: &duolog_topics::Account, reason: &EndReason) -> Result<(), RowsError> {
        let mut ended = Vec::new();
        for (session, row) in self.mailbox().sessions(account)? {
            self.delete(PushTokenRow::key(account, &row.device));
            self.delete(SessionRow::key(account, &session));
            self.effect(Effect::End(SessionEnded { account: account.clone(), session, reason: reason.clone() }));
            let (account, device) = (account.clone(), row.device);
            ended.push(EndedSession { account, device, platform: row.platform, reason: CloseReason::Logout });
        }
        self.keep_ended(ended);
        Ok(())
    }
}
