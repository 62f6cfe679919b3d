use std::net::IpAddr;

use duolog_topics::{Account, Millis};

use crate::gateway::auth::AppKey;

/// What a connection has to obey; the same for all of them.
pub struct Settings {
    pub app: AppKey,
    /// App admins pass friend check, blacklist and mute.
    pub admins: Vec<Account>,
    /// After how many seconds without sending anything the gateway pings; a client may ask for another interval.
    pub heartbeat_seconds: u64,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    pub limits: Limits,
}

impl Settings {
    /// For tests: no admins, no proxies, and the limits that hold by default.
    #[cfg(test)]
    pub fn of(app: AppKey) -> Self {
        let (admins, trusted_proxies) = (Vec::new(), Vec::new());
        Self { app, admins, heartbeat_seconds: 25, trusted_proxies, limits: Limits::default() }
    }

    pub fn is_admin(&self, account: &Account) -> bool {
        self.admins.contains(account)
    }
}

/// What one connection may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest frame from a client.
    pub frame_bytes: usize,
    /// A message's body and custom data.
    pub body_bytes: usize,
    /// Requests that wait for their answers.
    pub in_flight: usize,
    /// Connections of this server.
    pub connections: usize,
    /// Messages that one connection may send in a second; 0 = no limit.
    pub sends_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_bytes: 65_536, body_bytes: 8_192, in_flight: 256, connections: 20_000, sends_per_second: 1_000 }
    }
}

/// A client logs in within this time.
pub const LOGIN_TIME: Millis = 10_000;
/// Logins that may be refused before the connection ends.
pub const LOGIN_REFUSALS: u32 = 3;
/// Malformed frames in a row that end a connection.
pub const MALFORMED_FRAMES: u32 = 10;
/// How long before its signature expires a client is told.
pub const EXPIRY_WARNING: Millis = 300_000;
/// A client may be silent for three heartbeats and this time.
pub const SILENCE: Millis = 15_000;
/// JSON in one push or page of entries: above it, the push ends and another begins, and the page is cut.
pub const PUSH_BYTES: usize = 128 * 1024;
/// Announcements that one push may gather.
pub const LIVE_BATCH: usize = 200;
