//! Every metric of the client protocol.

use metrics::{counter, gauge};

use super::protocol::CloseCode;

/// Open connections, logged in or not.
const CONNECTIONS: &str = "duolog_ws_connections";
/// Connections that the gateway ended, by close code.
const CLOSES: &str = "duolog_ws_closes_total";
/// Logins, by code; 0 is success.
const LOGINS: &str = "duolog_ws_logins_total";
/// Times that a session's announcements came faster than it took them.
const LAGS: &str = "duolog_ws_lags_total";

pub fn connection_opened() {
    gauge!(CONNECTIONS).increment(1);
}

pub fn connection_closed() {
    gauge!(CONNECTIONS).decrement(1);
}

pub fn closed(code: CloseCode) {
    counter!(CLOSES, "code" => (code as u16).to_string()).increment(1);
}

pub fn login(code: u32) {
    counter!(LOGINS, "code" => code.to_string()).increment(1);
}

pub fn lagged() {
    counter!(LAGS).increment(1);
}
