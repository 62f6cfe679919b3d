use duolog_topics::ProfileChanged;

use super::step::Step;
use crate::domain::rows::{Change, Outcome, ProfileRow, RowsError, StoredItem};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;

impl Step<'_, '_> {
    pub fn profile_changed(&mut self, event: &ProfileChanged) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut row) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::PROFILE_ACCOUNT_UNKNOWN.into()));
        };
        let items: Vec<StoredItem> = event.items.iter().map(StoredItem::from).collect();
        let mut profile = self.mailbox().profile(&account)?;
        items.iter().cloned().for_each(|item| profile.set(item));
        self.put(ProfileRow::key(&account), &profile);
        self.add_change(&account, &mut row, Change::Profile { items })?;
        self.put_account(&account, row);
        self.keep(Outcome::Applied);
        Ok(Verdict::Applied(Answer::Done))
    }
}
