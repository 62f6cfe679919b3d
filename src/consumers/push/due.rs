//! Whether a message still has to be announced, and where: a pure question to the receiver's rows, asked at each try.
//!
//! Between a message and its push lie milliseconds, or the hours for which a push service was down. Whoever has seen the
//! message meanwhile is not told of it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use duolog_topics::{Account, Millis, PushProvider, TagValue};

use super::unseen::Unseen;
use crate::domain::rows::{
    AccountRow, ConversationRow, DAY, DeviceRow, Direction, HistoryEntry, HistoryPlace, MessageRow, PushTokenRow,
    RowFlags, RowsError, TimelineEntry, get_hot,
};
use crate::domain::view::Mailbox;

/// The setting of a user who wants to hear nothing: bit 0.
const MSG_SETTINGS: &str = "Tag_Profile_IM_MsgSettings";

/// What is to be done about it now.
#[derive(Clone, PartialEq, Debug)]
pub enum Due {
    Push(Box<Ready>),
    /// Nothing any more.
    Not(Because),
}

/// Why a message is not pushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Because {
    /// Recalled, deleted, cleared away, or the account is gone.
    Gone,
    Read,
    /// A device has it.
    Taken,
    /// A device shows the app: it gets the message by its link.
    Attended,
    TooOld,
    /// The user wants no messages.
    Muted,
    /// No device can be reached by this service.
    NoToken,
    /// The message says so, or has nothing to show.
    NothingToSay,
}

impl Because {
    /// The reason in a metric.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Read => "read",
            Self::Taken => "taken",
            Self::Attended => "attended",
            Self::TooOld => "too_old",
            Self::Muted => "muted",
            Self::NoToken => "no_token",
            Self::NothingToSay => "nothing_to_say",
        }
    }
}

/// All that a push is made of.
#[derive(Clone, PartialEq, Debug)]
pub struct Ready {
    pub message: MessageRow,
    /// The devices and their tokens, none twice.
    pub tokens: Vec<(String, PushTokenRow)>,
    /// For each token, the number on the app's icon.
    pub badges: Vec<u64>,
    /// Until when the message waits for a device.
    pub until: Millis,
}

impl Unseen {
    /// What the rows say now. Cost: about ten reads, and one for each of the receiver's devices.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn due(&self, mailbox: &Mailbox<'_>, provider: PushProvider, now: Millis) -> Result<Due, RowsError> {
        let receiver = &self.receiver;
        let Some(owner) = mailbox.account(receiver)? else { return Ok(Due::Not(Because::Gone)) };
        let Some((place, row)) = self.find(mailbox)? else { return Ok(Due::Not(Because::Gone)) };
        let conversation = mailbox.conversation(receiver, &self.from)?.unwrap_or_default();
        let hidden = row.flags.has(RowFlags::RECALLED) || row.flags.has(RowFlags::DELETED);
        if hidden || place.sequence <= conversation.cleared.sequence {
            return Ok(Due::Not(Because::Gone));
        }
        if place.time <= conversation.read_time || row.flags.has(RowFlags::RECEIPTED) {
            return Ok(Due::Not(Because::Read));
        }
        if owner.is_attended(mailbox.meta.epoch) {
            return Ok(Due::Not(Because::Attended));
        }
        let devices = mailbox.devices(receiver)?;
        // What an app in the background has taken, nobody has seen.
        let shown = |device: &DeviceRow| device.cursor >= place.sequence && !device.background;
        if devices.iter().any(|(_, device)| shown(device)) {
            return Ok(Due::Not(Because::Taken));
        }
        let Some(until) = self.waits_until(mailbox, place)?.filter(|until| *until > now) else {
            return Ok(Due::Not(Because::TooOld));
        };
        let Some(message) = mailbox.message(row.pointer)? else { return Ok(Due::Not(Because::TooOld)) };
        for_devices(mailbox, receiver, &owner, provider, message, until)
    }

    /// The message in the receiver's view. Its place does not change, whatever becomes of it; the horizon does not hide it.
    fn find(&self, mailbox: &Mailbox<'_>) -> Result<Option<(HistoryPlace, HistoryEntry)>, RowsError> {
        let key = ConversationRow::key(&self.receiver, &self.from);
        let conversation = get_hot::<ConversationRow>(mailbox.rows, key.as_slice())?.unwrap_or_default();
        let messages = mailbox.messages(&self.receiver, &self.from, &conversation.newest).with_expired();
        let place = |sequence| HistoryPlace { time: self.message_time, sequence };
        let mut found = None;
        messages.walk_within(place(0)..place(u64::MAX), Direction::Forward, |place, entry| {
            if entry.flags.has(RowFlags::INCOMING) && entry.msg_key(self.message_time) == self.key {
                found = Some((place, entry));
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Until when the message waits for a device that is offline: as its sender said, or as the policy says.
    fn waits_until(&self, mailbox: &Mailbox<'_>, place: HistoryPlace) -> Result<Option<Millis>, RowsError> {
        let row = mailbox.timeline_row(&self.receiver, place.sequence)?;
        Ok(row.and_then(|row| match row.entry {
            TimelineEntry::Message { until: Some(until), .. } => Some(until),
            TimelineEntry::Message { .. } => Some(row.record_time + u64::from(mailbox.meta.policy.offline_days) * DAY),
            TimelineEntry::Change(_) => None,
        }))
    }
}

/// A message that is to be announced, for the devices of its receiver.
///
/// # Errors
/// If rows cannot be read.
pub fn for_devices(
    mailbox: &Mailbox<'_>,
    receiver: &Account,
    owner: &AccountRow,
    provider: PushProvider,
    message: MessageRow,
    until: Millis,
) -> Result<Due, RowsError> {
    if wants_nothing(mailbox, receiver)? {
        return Ok(Due::Not(Because::Muted));
    }
    let tokens = tokens(mailbox, receiver, provider)?;
    if tokens.is_empty() {
        return Ok(Due::Not(Because::NoToken));
    }
    let (unread, devices) = (mailbox.unread_total(receiver, owner)?, mailbox.devices(receiver)?);
    let badge = |device: &str| {
        let ahead = devices.iter().find(|(name, _)| name == device).and_then(|(_, row)| row.badge).unwrap_or(0);
        unread.saturating_add_signed(ahead)
    };
    let badges = tokens.iter().map(|(device, _)| badge(device)).collect();
    Ok(Due::Push(Box::new(Ready { message, tokens, badges, until })))
}

fn wants_nothing(mailbox: &Mailbox<'_>, account: &Account) -> Result<bool, RowsError> {
    let profile = mailbox.profile(account)?;
    Ok(matches!(profile.get(MSG_SETTINGS), Some(TagValue::Number(settings)) if settings & 1 == 1))
}

/// The tokens of a service that are to be used. An app that was installed anew has a new device and its old token: that
/// counts once.
fn tokens(
    mailbox: &Mailbox<'_>,
    account: &Account,
    provider: PushProvider,
) -> Result<Vec<(String, PushTokenRow)>, RowsError> {
    let mut tokens = mailbox.push_tokens(account)?;
    let mut seen = BTreeSet::new();
    tokens.retain(|(_, row)| row.provider == provider && row.enabled && seen.insert(row.token.clone()));
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use duolog_topics::{Platform, ProfileItem};

    use super::super::notice::tests::{content, text};
    use super::*;
    use crate::domain::rows::{
        ConversationRow, MapRows, MetaRow, Overlay, Pointer, ProfileRow, StoredItem, TimelineRow,
    };

    const EPOCH: u64 = 3;
    const SENT: Millis = 100 * DAY;
    const SEQUENCE: u64 = 5;

    /// Bob's mailbox with one message of alice's and one iPhone that can be pushed to; tests change it.
    struct Case {
        account: AccountRow,
        conversation: ConversationRow,
        history: HistoryEntry,
        until: Option<Millis>,
        device: DeviceRow,
        token: PushTokenRow,
        second_token: Option<PushTokenRow>,
        settings: u64,
        now: Millis,
    }

    fn name(name: &str) -> Account {
        Account::new(name).unwrap()
    }

    fn unseen() -> Unseen {
        let key = duolog_topics::MsgKey { seq: 7, random: 8, time: SENT / 1000 };
        Unseen { receiver: name("bob"), from: name("alice"), message_time: SENT, key }
    }

    impl Case {
        fn new() -> Self {
            let token = PushTokenRow {
                provider: PushProvider::Apns,
                token: "t".to_owned(),
                sound: None,
                environment: None,
                topic: None,
                enabled: true,
                platform: Platform::Iphone,
            };
            let flags = RowFlags::INCOMING.with(RowFlags::COUNTS);
            let platform = Platform::Iphone;
            Self {
                account: AccountRow { exists: true, sequence: SEQUENCE, unread_total: 4, ..AccountRow::default() },
                conversation: ConversationRow { record_time: SENT, ..ConversationRow::default() },
                history: HistoryEntry {
                    record_time: SENT,
                    flags,
                    pointer: Pointer { generation: 1, partition: 0, offset: 9 },
                    msg_seq: 7,
                    random: 8,
                },
                until: None,
                device: DeviceRow { cursor: 4, last_seen: SENT, platform, background: false, badge: None },
                token,
                second_token: None,
                settings: 0,
                now: SENT + 1,
            }
        }

        fn due(&self) -> Due {
            let (empty, bob, alice) = (MapRows::default(), name("bob"), name("alice"));
            let mut meta = MetaRow { epoch: EPOCH, time: SENT, ..MetaRow::empty(0) };
            meta.policy.offline_days = 7;
            let mut rows = Overlay::new(&empty);
            rows.put(AccountRow::key(&bob), &self.account);
            let place = HistoryPlace { time: SENT, sequence: SEQUENCE };
            let mut conversation = self.conversation.clone();
            conversation.newest.push(place, &self.history);
            rows.put(ConversationRow::key(&bob, &alice), &conversation);
            let (peer, flags, pointer) = (alice.clone(), self.history.flags, self.history.pointer);
            let entry = TimelineEntry::Message { peer, flags, pointer, until: self.until };
            let timeline = TimelineRow { record_time: SENT, ordinal: 1, previous: 0, entry };
            rows.put(TimelineRow::key(&bob, SEQUENCE), &timeline);
            let message = MessageRow::new(&alice, &content(&text("hi"), None), SENT, SENT);
            rows.put(MessageRow::key(pointer), &message);
            rows.put(DeviceRow::key(&bob, "phone"), &self.device);
            rows.put(PushTokenRow::key(&bob, "phone"), &self.token);
            if let Some(token) = &self.second_token {
                rows.put(PushTokenRow::key(&bob, "second"), token);
            }
            let mut profile = ProfileRow::default();
            let value = TagValue::Number(self.settings);
            profile.set(StoredItem::from(&ProfileItem { tag: MSG_SETTINGS.to_owned(), value }));
            rows.put(ProfileRow::key(&bob), &profile);
            unseen().due(&Mailbox::new(&rows, &meta), PushProvider::Apns, self.now).unwrap()
        }
    }

    fn ready(change: impl FnOnce(&mut Case)) -> Ready {
        let mut case = Case::new();
        change(&mut case);
        match case.due() {
            Due::Push(ready) => *ready,
            Due::Not(because) => panic!("not pushed: {because:?}"),
        }
    }

    fn because(change: impl FnOnce(&mut Case)) -> Because {
        let mut case = Case::new();
        change(&mut case);
        match case.due() {
            Due::Push(_) => panic!("pushed"),
            Due::Not(because) => because,
        }
    }

    #[test]
    fn what_nobody_has_seen_is_pushed() {
        let found = ready(|_| {});
        assert_eq!((found.tokens.len(), found.badges, found.until), (1, vec![4], SENT + 7 * DAY));
        assert_eq!(found.message.from, name("alice"));
        assert_eq!(ready(|case| case.until = Some(SENT + 10)).until, SENT + 10);
    }

    #[test]
    fn the_apps_own_count_goes_on() {
        assert_eq!(ready(|case| case.device.badge = Some(3)).badges, [7]);
        assert_eq!(ready(|case| case.device.badge = Some(-9)).badges, [0]);
    }

    #[test]
    fn what_somebody_has_seen_or_nobody_can_see_is_not() {
        let flag = |flag: RowFlags| move |case: &mut Case| case.history.flags = case.history.flags.with(flag);
        assert_eq!(because(|case| case.account.exists = false), Because::Gone);
        assert_eq!(because(flag(RowFlags::RECALLED)), Because::Gone);
        assert_eq!(because(flag(RowFlags::DELETED)), Because::Gone);
        assert_eq!(because(|case| case.history.random = 0), Because::Gone);
        let cleared = HistoryPlace { time: 0, sequence: SEQUENCE };
        assert_eq!(because(|case| case.conversation.cleared = cleared), Because::Gone);
        assert_eq!(because(|case| case.conversation.read_time = SENT), Because::Read);
        assert_eq!(because(flag(RowFlags::RECEIPTED)), Because::Read);
        assert_eq!(because(|case| case.device.cursor = SEQUENCE), Because::Taken);
        let attend = |case: &mut Case| (case.account.foreground, case.account.online_epoch) = (1, EPOCH);
        assert_eq!(because(attend), Because::Attended);
        assert_eq!(because(|case| case.now = SENT + 7 * DAY), Because::TooOld);
        assert_eq!(because(|case| case.until = Some(SENT + 1)), Because::TooOld);
        assert_eq!(because(|case| case.settings = 3), Because::Muted);
        assert_eq!(because(|case| case.token.enabled = false), Because::NoToken);
        assert_eq!(because(|case| case.token.provider = PushProvider::Fcm), Because::NoToken);
    }

    #[test]
    fn what_an_app_in_the_background_took_is_still_announced() {
        let took = |case: &mut Case| (case.device.cursor, case.device.background) = (SEQUENCE, true);
        assert_eq!(ready(took).tokens.len(), 1);
    }

    #[test]
    fn a_session_of_an_earlier_epoch_attends_nothing() {
        let attend = |case: &mut Case| (case.account.foreground, case.account.online_epoch) = (1, EPOCH - 1);
        assert_eq!(ready(attend).tokens.len(), 1);
    }

    #[test]
    fn a_token_counts_once() {
        let same = ready(|case| case.second_token = Some(case.token.clone()));
        assert_eq!(same.tokens.len(), 1);
        let other = |case: &mut Case| {
            case.second_token = Some(PushTokenRow { token: "u".to_owned(), ..case.token.clone() });
            case.device.badge = Some(1);
        };
        assert_eq!(ready(other).badges, [5, 4]);
    }
}
