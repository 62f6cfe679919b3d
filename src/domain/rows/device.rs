use duolog_topics::{Account, Millis, Platform, PushProvider};
use serde::{Deserialize, Serialize};

use super::{Key, Pointer, Row, Table};

/// `devices`: (account, device) -> how far it has taken the timeline. Absent when not seen for 30 days.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceRow {
    pub cursor: u64,
    pub last_seen: Millis,
    pub platform: Platform,
    pub background: bool,
    /// How much the number on the app's icon is above the account's unread messages, as the app last said.
    pub badge: Option<i64>,
}

impl Row for DeviceRow {
    const TABLE: Table = Table::Device;
}

impl DeviceRow {
    pub fn key(account: &Account, device: &str) -> Key {
        Self::prefix(account).text(device)
    }

    pub fn prefix(account: &Account) -> Key {
        Key::of(Table::Device).account(account)
    }
}

/// `sessions`: (account, session) -> a login that no logout or kick has ended; its link may be lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SessionRow {
    /// The place of the person's login; a reconnect inherits it.
    pub order: Pointer,
    pub device: String,
    pub platform: Platform,
    pub opened: Millis,
    /// The epoch in which its link was last up.
    pub epoch: u64,
    /// Whether its link was not yet lost, in that epoch.
    pub open: bool,
    /// The app is in the background there.
    pub background: bool,
}

impl Row for SessionRow {
    const TABLE: Table = Table::Session;
}

impl SessionRow {
    pub fn key(account: &Account, session: &str) -> Key {
        Self::prefix(account).text(session)
    }

    pub fn prefix(account: &Account) -> Key {
        Key::of(Table::Session).account(account)
    }

    pub fn is_open(&self, epoch: u64) -> bool {
        self.open && self.epoch == epoch
    }
}

/// `push_tokens`: (account, device) -> how offline push reaches it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PushTokenRow {
    pub provider: PushProvider,
    pub token: String,
    pub sound: Option<String>,
    pub environment: Option<String>,
    pub topic: Option<String>,
    pub enabled: bool,
    pub platform: Platform,
}

impl Row for PushTokenRow {
    const TABLE: Table = Table::PushToken;
}

impl PushTokenRow {
    pub fn key(account: &Account, device: &str) -> Key {
        Self::prefix(account).text(device)
    }

    pub fn prefix(account: &Account) -> Key {
        Key::of(Table::PushToken).account(account)
    }
}
