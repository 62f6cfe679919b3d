use duolog_topics::{AppStateSet, PushTokenSet};

use super::step::Step;
use crate::domain::rows::{DeviceRow, Outcome, PushTokenRow, RowsError, SessionRow, get};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;

impl Step<'_, '_> {
    /// How offline push reaches a device; an empty token takes that back, unless the device has a newer one than was meant.
    pub fn push_token_set(&mut self, event: &PushTokenSet) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        if !self.mailbox().exists(&account)? {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        }
        let key = PushTokenRow::key(&account, &event.device);
        if let Some(meant) = &event.replaces {
            let current: Option<PushTokenRow> = get(self.mailbox().rows, key.as_slice())?;
            if current.is_none_or(|row| row.token != *meant) {
                return Ok(Verdict::Applied(Answer::Done));
            }
        }
        if event.token.is_empty() {
            self.delete(key);
            return Ok(Verdict::Applied(Answer::Done));
        }
        let row = PushTokenRow {
            provider: event.provider,
            token: event.token.clone(),
            sound: event.sound.clone(),
            environment: event.environment.clone(),
            topic: event.topic.clone(),
            enabled: event.enabled,
            platform: event.platform,
        };
        self.put(key, &row);
        Ok(Verdict::Applied(Answer::Done))
    }

    /// A device in the background is pushed to as if it had no link.
    pub fn app_state_set(&mut self, event: &AppStateSet) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut owner) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::ACCOUNT_UNKNOWN.into()));
        };
        if let Some(device) = self.mailbox().device(&account, &event.device)? {
            let ahead = |badge: u32| i64::from(badge).saturating_sub_unsigned(owner.unread_total);
            let row =
                DeviceRow { background: event.background, badge: event.badge.map(ahead).or(device.badge), ..device };
            self.put(DeviceRow::key(&account, &event.device), &row);
        }
        let (epoch, mut left) = (self.meta().epoch, None);
        for (session, row) in self.mailbox().sessions(&account)? {
            if row.device == event.device {
                let key = SessionRow::key(&account, &session);
                self.put(key, &SessionRow { background: event.background, ..row.clone() });
                left = Some(row).filter(|row| event.background && !row.background && row.is_open(epoch)).or(left);
            }
        }
        self.count_online(&account, &mut owner)?;
        self.put_account(&account, owner.clone());
        if let Some(row) = left
            && let Some(missed) = self.missed(&account, &owner, &row)?
        {
            self.keep(Outcome::Left { missed });
        }
        Ok(Verdict::Applied(Answer::Done))
    }
}
