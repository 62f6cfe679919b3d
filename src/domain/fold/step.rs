use std::sync::Arc;

use duolog_topics::{Account, Authority, Envelope, Event, Millis};

use super::{Fold, FoldError};
use crate::domain::rows::{
    AccountRow, Change, ConversationRow, Hot, Key, OutboxRow, Outcome, OutcomeRow, Pointer, PositionRow, Row, Rows,
    RowsError, Table, TimelineEntry, TimelineRow, get,
};
use crate::domain::verdict::{Announcement, Effect, Place, Verdict};
use crate::domain::view::{Entry, Mailbox};

/// How many entries a timeline gains between two sweeps of those that the policy no longer keeps.
const SWEEP_EVERY: u64 = 1_000;

/// The fold of one record: what the kinds share.
pub(super) struct Step<'f, 'a> {
    fold: &'f mut Fold<'a>,
    pub at: Pointer,
    pub envelope: &'f Envelope,
    effects: Vec<Effect>,
}

impl<'f, 'a> Step<'f, 'a> {
    pub fn new(fold: &'f mut Fold<'a>, at: Pointer, envelope: &'f Envelope) -> Self {
        Self { fold, at, envelope, effects: Vec::new() }
    }

    pub fn dispatch(&mut self, event: &Event) -> Result<Verdict, FoldError> {
        Ok(match event {
            Event::LogOpened(event) => self.log_opened(event),
            Event::LogRestored(event) => self.log_restored(event),
            Event::OwnerChanged(event) => self.owner_changed(event),
            Event::FoldVersion(event) => self.fold_version(event)?,
            Event::PolicyChanged(event) => self.policy_changed(event),
            Event::Tick(_) => Verdict::Applied(crate::domain::verdict::Answer::Done),
            Event::AccountImported(event) => self.account_imported(event)?,
            Event::AccountDeleted(_) => self.account_deleted()?,
            Event::AccountKicked(event) => self.account_kicked(event)?,
            Event::ProfileChanged(event) => self.profile_changed(event)?,
            Event::MuteChanged(event) => self.mute_changed(event)?,
            Event::SessionOpened(event) => self.session_opened(event)?,
            Event::SessionClosed(event) => self.session_closed(event)?,
            Event::CursorsAdvanced(event) => self.cursors_advanced(event)?,
            Event::MessageSent(event) => self.message_sent(event)?,
            Event::MessageArrived(event) => self.message_arrived(event)?,
            Event::MessageRecalled(event) => self.message_recalled(event)?,
            Event::MessageModified(event) => self.message_modified(event)?,
            Event::MessageReceipted(event) => self.message_receipted(event)?,
            Event::PushTokenSet(event) => self.push_token_set(event)?,
            Event::AppStateSet(event) => self.app_state_set(event)?,
            Event::FriendGroupChanged(event) => self.friend_group_changed(event)?,
            Event::MessageDeleted(event) => self.message_deleted(event)?,
            Event::ConversationRead(event) => self.conversation_read(event)?,
            Event::ConversationDeleted(event) => self.conversation_deleted(event)?,
            Event::ConversationCleared(event) => self.conversation_cleared(event)?,
            Event::BlacklistChanged(event) => self.blacklist_changed(event)?,
            Event::FriendChanged(event) => self.friend_changed(event)?,
            Event::BroadcastIssued(event) => self.broadcast_issued(event)?,
            Event::ConsumersAdvanced(event) => self.consumers_advanced(event),
            other => return Err(FoldError::UnknownKind(other.kind().name())),
        })
    }

    pub fn into_effects(self) -> Vec<Effect> {
        self.effects
    }

    pub fn meta(&self) -> &crate::domain::rows::MetaRow {
        &self.fold.meta
    }

    pub fn meta_mut(&mut self) -> &mut crate::domain::rows::MetaRow {
        &mut self.fold.meta
    }

    pub fn mailbox(&self) -> Mailbox<'_> {
        self.fold.mailbox()
    }

    /// The record's time: what its rows expire by.
    pub fn time(&self) -> Millis {
        self.envelope.time
    }

    /// Whether the record was carried here from another home.
    pub fn carried(&self) -> bool {
        matches!(self.envelope.authority, Authority::Stamp(_))
    }

    pub fn is_home_of(&self, account: &Account) -> bool {
        self.meta().is_home_of(account)
    }

    pub fn home_of(&self, account: &Account) -> u32 {
        self.meta().home_of(account)
    }

    pub fn put<R: Row>(&mut self, key: Key, row: &R) {
        self.fold.rows.put(key, row);
    }

    pub fn delete(&mut self, key: Key) {
        self.fold.rows.delete(key);
    }

    pub fn rows(&self) -> &dyn Rows {
        &self.fold.rows
    }

    /// Keeps what consumers of the log need to know of this record: that it took effect, and how.
    pub fn keep(&mut self, outcome: Outcome) {
        self.put(OutcomeRow::key(self.at), &OutcomeRow { record_time: self.time(), outcome });
    }

    pub fn put_account(&mut self, account: &Account, row: impl Into<Hot<AccountRow>>) {
        self.fold.rows.put_hot(AccountRow::key(account), row.into());
    }

    pub fn put_conversation(&mut self, account: &Account, peer: &Account, row: impl Into<Hot<ConversationRow>>) {
        self.fold.rows.put_hot(ConversationRow::key(account, peer), row.into());
    }

    /// Adds an entry to an account's timeline, at a sequence that was given out for it.
    pub fn add_entry(
        &mut self,
        account: &Account,
        owner: &mut AccountRow,
        sequence: u64,
        entry: TimelineEntry,
    ) -> Result<Place, RowsError> {
        let place = Place { sequence, previous: owner.last_entry };
        owner.entries += 1;
        owner.last_entry = sequence;
        let row = TimelineRow { record_time: self.time(), ordinal: owner.entries, previous: place.previous, entry };
        self.put(TimelineRow::key(account, sequence), &row);
        if owner.entries.is_multiple_of(SWEEP_EVERY) {
            self.sweep_timeline(account, owner.entries)?;
        }
        Ok(place)
    }

    /// Deletes entries that the policy no longer keeps. Readers hide them already; this frees the bytes.
    fn sweep_timeline(&mut self, account: &Account, entries: u64) -> Result<(), RowsError> {
        let oldest = entries.saturating_sub(u64::from(self.meta().policy.offline_messages));
        if oldest == 0 {
            return Ok(());
        }
        let mut gone = Vec::new();
        let prefix = Key::of(Table::Timeline).account(account);
        let mailbox = self.mailbox();
        mailbox.walk(&prefix, crate::domain::rows::Direction::Forward, |key, value| {
            if mailbox.may_be_gone(Table::Timeline, value)? {
                return Ok(std::ops::ControlFlow::Continue(()));
            }
            if gone.len() < 2 * super::STEP_LIMIT && TimelineRow::decode(value)?.ordinal <= oldest {
                gone.push(Key::from(key));
                return Ok(std::ops::ControlFlow::Continue(()));
            }
            Ok(std::ops::ControlFlow::Break(()))
        })?;
        gone.into_iter().for_each(|key| self.delete(key));
        Ok(())
    }

    /// Gives a change its place in an account's timeline and tells live devices.
    pub fn add_change(&mut self, account: &Account, owner: &mut AccountRow, change: Change) -> Result<u64, RowsError> {
        let sequence = owner.next_sequence();
        let place = self.add_entry(account, owner, sequence, TimelineEntry::Change(change.clone()))?;
        if self.heard_by(owner) {
            let time = self.time();
            if let Some(change) = self.mailbox().change_view(&change)? {
                self.announce(account, Some(place), Entry::Change { time, change }, None);
            }
        }
        Ok(sequence)
    }

    /// Whether a device of the account is connected and somebody listens to effects.
    pub fn heard_by(&self, owner: &AccountRow) -> bool {
        self.fold.live && owner.is_online(self.fold.meta.epoch)
    }

    pub fn announce(&mut self, account: &Account, place: Option<Place>, entry: Entry, by_session: Option<String>) {
        let announcement = Announcement { account: account.clone(), place, entry: Arc::new(entry), by_session };
        self.effects.push(Effect::Announce(announcement));
    }

    pub fn effect(&mut self, effect: Effect) {
        if self.fold.live {
            self.effects.push(effect);
        }
    }

    /// Puts a record into the outbox for another home, under its next number there.
    pub fn carry(&mut self, to: &Account, event: &Event) -> Result<(), RowsError> {
        self.carry_to(self.home_of(to), to, event)
    }

    /// The same for a partition, whoever's home it is; the record will stand under the account.
    pub fn carry_to(&mut self, destination: u32, to: &Account, event: &Event) -> Result<(), RowsError> {
        debug_assert_ne!(destination, self.at.partition, "what has its home here is not carried");
        let position = PositionRow::given_out(destination);
        let number = get::<PositionRow>(self.rows(), position.as_slice())?.unwrap_or_default().number + 1;
        self.put(position, &PositionRow { number });
        let row = OutboxRow {
            account: to.as_str().to_owned(),
            time: self.time(),
            kind: event.kind().name().to_owned(),
            version: event.kind().version(),
            payload: event.encode(),
        };
        self.put(OutboxRow::key(destination, number), &row);
        self.effect(Effect::Outbox { destination, number });
        Ok(())
    }
}
