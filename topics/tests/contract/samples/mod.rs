//! The events that samples are made of: for each kind first the least that one can say, then everything.

mod account;
mod log;
mod message;
mod relation;
mod session;

use duolog_topics::{Account, Authority, Envelope, Event, EventId, EventKind, Platform, Stamp, Via};

/// A record of a sample.
pub struct Sample {
    pub envelope: Envelope,
    pub event: Event,
}

/// The samples of a kind, in the order of their numbers. Add to the end only: what is committed stays.
pub fn of(kind: EventKind) -> Vec<Sample> {
    match kind {
        EventKind::LogOpened => log::opened(),
        EventKind::LogRestored => log::restored(),
        EventKind::OwnerChanged => log::owner_changed(),
        EventKind::FoldVersion => log::fold_version(),
        EventKind::PolicyChanged => log::policy_changed(),
        EventKind::Tick => log::tick(),
        EventKind::ConsumersAdvanced => log::consumers_advanced(),
        EventKind::DeadLetter => log::dead_letter(),
        EventKind::AccountImported => account::imported(),
        EventKind::AccountDeleted => account::deleted(),
        EventKind::AccountKicked => account::kicked(),
        EventKind::ProfileChanged => account::profile_changed(),
        EventKind::MuteChanged => account::mute_changed(),
        EventKind::PushTokenSet => account::push_token_set(),
        EventKind::AppStateSet => account::app_state_set(),
        EventKind::SessionOpened => session::opened(),
        EventKind::SessionClosed => session::closed(),
        EventKind::CursorsAdvanced => session::cursors_advanced(),
        EventKind::MessageSent => message::sent(),
        EventKind::MessageArrived => message::arrived(),
        EventKind::MessageRecalled => message::recalled(),
        EventKind::MessageModified => message::modified(),
        EventKind::MessageDeleted => message::deleted(),
        EventKind::MessageReceipted => message::receipted(),
        EventKind::ConversationRead => message::conversation_read(),
        EventKind::ConversationDeleted => message::conversation_deleted(),
        EventKind::ConversationCleared => message::conversation_cleared(),
        EventKind::BroadcastIssued => message::broadcast_issued(),
        EventKind::BlacklistChanged => relation::blacklist_changed(),
        EventKind::FriendChanged => relation::friend_changed(),
        EventKind::FriendGroupChanged => relation::friend_group_changed(),
    }
}

const TIME: u64 = 1_700_000_000_123;
const LOG: uuid::Uuid = uuid::Uuid::from_u128(0x018b_cfe5_0000_7000_8000_0000_0000_0001);

/// A client that asked.
fn client() -> Option<Via> {
    let (session, ip) = (Some("s1".into()), Some("2001:db8::17".into()));
    Some(Via { operator: None, session, platform: Some(Platform::Iphone), ip })
}

/// A back end that asked.
fn back_end() -> Option<Via> {
    Some(Via { operator: Some(account("administrator")), ip: Some("192.0.2.7".into()), ..Via::default() })
}

fn account(name: &str) -> Account {
    name.parse().unwrap()
}

/// A record that the owner of the account's home wrote.
fn owned(name: &str, event: impl Into<Event>) -> Sample {
    sample(name, Authority::Epoch(1), event.into())
}

/// A record that was carried to the account's home.
fn carried(name: &str, event: impl Into<Event>) -> Sample {
    let stamp = Stamp { log_id: LOG, generation: 1, partition: 2, number: 41 };
    sample(name, Authority::Stamp(stamp), event.into())
}

fn sample(name: &str, authority: Authority, event: Event) -> Sample {
    let id = EventId::new(TIME, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    Sample { envelope: Envelope { id, time: TIME, account: account(name), authority }, event }
}
