use std::ops::{Bound, ControlFlow};

use duolog_topics::{Account, Event, Millis, PushProvider};
use serde::{Deserialize, Serialize};

use super::due::{Because, Due, for_devices};
use super::info::PushInfo;
use crate::consumers::{Joined, Kept};
use crate::domain::rows::{
    BroadcastRow, DAY, Direction, Key, KeyRange, KeyReader, Pointer, PushTokenRow, Row as _, RowsError, Table,
};
use crate::domain::view::Mailbox;

/// Accounts that one look at a partition finds.
const PAGE: usize = 256;

/// A push to all that asks for offline push: whoever has a device in this partition and no app open is told
/// ([ADR 54](../../../docs/adr/0054-a-push-to-all-walks-the-tokens.md)).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToAll {
    pub task_id: String,
    pub message: Pointer,
}

/// The push to all that a record is, in this partition, if it asks for offline push: with OfflinePushInfo, and without
/// PushFlag 1.
pub fn to_all(record: &Joined<'_>) -> Option<ToAll> {
    let (Event::BroadcastIssued(event), Kept::Message(message)) = (record.event, record.kept) else { return None };
    let info = PushInfo::new(message.push.as_ref());
    let asks = info.is_given() && !info.forbids() && !message.flags().mute_notifications;
    asks.then(|| ToAll { task_id: event.task_id.clone(), message: record.at })
}

/// The next accounts of a partition that a service reaches.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    pub accounts: Vec<Account>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<Account>,
}

impl ToAll {
    /// Accounts with a token, in the order of their names. Cost: a row for each of their tokens.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn page(mailbox: &Mailbox<'_>, after: Option<&Account>) -> Result<Page, RowsError> {
        let tokens = Key::of(Table::PushToken);
        let from = after.map_or_else(|| tokens.as_slice().to_vec(), |one| PushTokenRow::prefix(one).end_of_prefix());
        let end = tokens.end_of_prefix();
        let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&end) };
        let mut page = Page::default();
        mailbox.walk_range(range, Direction::Forward, |key, _| {
            let account = KeyReader::new(key, Table::PushToken)?.account()?;
            if page.accounts.last() != Some(&account) {
                if page.accounts.len() == PAGE {
                    page.next = page.accounts.last().cloned();
                    return Ok(ControlFlow::Break(()));
                }
                page.accounts.push(account);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(page)
    }

    /// Whether an account is still to be told. An app in the background took it by its link, and nobody has seen it.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn due(
        &self,
        mailbox: &Mailbox<'_>,
        receiver: &Account,
        provider: PushProvider,
        now: Millis,
    ) -> Result<Due, RowsError> {
        let Some(owner) = mailbox.account(receiver)? else { return Ok(Due::Not(Because::Gone)) };
        let Some((number, row)) = self.row(mailbox)? else { return Ok(Due::Not(Because::TooOld)) };
        let epoch = mailbox.meta.epoch;
        if owner.is_attended(epoch) {
            return Ok(Due::Not(Because::Attended));
        }
        if owner.broadcasts >= number && !owner.is_online(epoch) {
            return Ok(Due::Not(Because::Taken));
        }
        // One that is not stored can be announced all the same.
        let until = row.until.unwrap_or(row.time + u64::from(mailbox.meta.policy.offline_days) * DAY);
        let message = mailbox.message(self.message)?.filter(|_| until > now);
        let Some(message) = message else { return Ok(Due::Not(Because::TooOld)) };
        for_devices(mailbox, receiver, &owner, provider, message, until)
    }

    fn row(&self, mailbox: &Mailbox<'_>) -> Result<Option<(u64, BroadcastRow)>, RowsError> {
        let mut found = None;
        mailbox.walk(&Key::of(Table::Broadcast), Direction::Backward, |key, value| {
            let row = BroadcastRow::decode(value)?;
            if row.task_id != self.task_id {
                return Ok(ControlFlow::Continue(()));
            }
            found = Some((BroadcastRow::number(key)?, row));
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use duolog_topics::Platform;

    use super::super::notice::tests::{content, text};
    use super::*;
    use crate::domain::rows::{AccountRow, Asked, MapRows, MessageRow, MetaRow, Overlay};

    const EPOCH: u64 = 3;
    const SENT: Millis = 100 * DAY;

    fn token() -> PushTokenRow {
        PushTokenRow {
            provider: PushProvider::Apns,
            token: "t".to_owned(),
            sound: None,
            environment: None,
            topic: None,
            enabled: true,
            platform: Platform::Iphone,
        }
    }

    fn name(name: &str) -> Account {
        Account::new(name).unwrap()
    }

    #[test]
    fn accounts_are_found_once_each_a_page_at_a_time() {
        let (empty, meta) = (MapRows::default(), MetaRow::empty(0));
        let mut rows = Overlay::new(&empty);
        let all: Vec<Account> = (0..PAGE * 2 + 3).map(|number| name(&format!("u{number:04}"))).collect();
        for account in &all {
            ["pad", "phone"].iter().for_each(|device| rows.put(PushTokenRow::key(account, device), &token()));
        }
        let mailbox = Mailbox::new(&rows, &meta);
        let (mut found, mut pages, mut after) = (Vec::new(), 0, None);
        loop {
            let page = ToAll::page(&mailbox, after.as_ref()).unwrap();
            (found, pages, after) = ([found, page.accounts].concat(), pages + 1, page.next);
            if after.is_none() {
                break;
            }
        }
        assert_eq!((pages, found), (3, all));
    }

    /// What is due to bob of the push with the number 2.
    fn due(until: Option<Millis>, now: Millis, change: impl FnOnce(&mut AccountRow)) -> Due {
        let (empty, bob) = (MapRows::default(), name("bob"));
        let meta = MetaRow { epoch: EPOCH, time: SENT, ..MetaRow::empty(0) };
        let mut owner = AccountRow { exists: true, broadcasts: 1, ..AccountRow::default() };
        change(&mut owner);
        let mut rows = Overlay::new(&empty);
        rows.put(AccountRow::key(&bob), &owner);
        rows.put(PushTokenRow::key(&bob, "phone"), &token());
        let pointer = Pointer { offset: 9, ..Pointer::default() };
        let message = MessageRow::new(&name("admin"), &content(&text("news"), None), SENT, SENT);
        rows.put(MessageRow::key(pointer), &message);
        let (task_id, from, asked) = ("task".to_owned(), name("admin"), Asked::Everybody);
        let row = BroadcastRow { time: SENT, task_id: task_id.clone(), from, random: 1, pointer, until, asked };
        rows.put(BroadcastRow::key(2), &row);
        let wanted = ToAll { task_id, message: pointer };
        wanted.due(&Mailbox::new(&rows, &meta), &bob, PushProvider::Apns, now).unwrap()
    }

    #[test]
    fn whoever_has_not_taken_it_is_told_while_it_is_new() {
        let is_pushed = |due| matches!(due, Due::Push(_));
        assert!(is_pushed(due(None, SENT + DAY, |_| {})));
        assert!(is_pushed(due(Some(SENT + 10), SENT, |_| {})));
        let online = |owner: &mut AccountRow| (owner.online, owner.online_epoch, owner.broadcasts) = (1, EPOCH, 2);
        assert!(is_pushed(due(None, SENT, online)), "its app is in the background");
        assert_eq!(due(Some(SENT + 10), SENT + 10, |_| {}), Due::Not(Because::TooOld));
        assert_eq!(due(None, SENT + 30 * DAY, |_| {}), Due::Not(Because::TooOld));
        assert_eq!(due(None, SENT, |owner| owner.broadcasts = 2), Due::Not(Because::Taken));
        assert_eq!(due(None, SENT, |owner| owner.exists = false), Due::Not(Because::Gone));
        let attend = |owner: &mut AccountRow| {
            online(owner);
            owner.foreground = 1;
        };
        assert_eq!(due(None, SENT, attend), Due::Not(Because::Attended));
    }
}
