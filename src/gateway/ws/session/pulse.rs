use duolog_topics::Millis;

use crate::gateway::ws::settings::{EXPIRY_WARNING, SILENCE};

/// The times of a session: when to ping, when its client counts as gone, when its signature ends.
pub struct Pulse {
    heartbeat: Millis,
    sent: Millis,
    heard: Millis,
    /// Unix seconds, the last one in which the signature is valid.
    expires_at: u64,
    warned: bool,
}

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    Nothing,
    Ping,
    ExpiryWarning,
    Silence,
    Expiry,
}

impl Pulse {
    pub fn new(now: Millis, heartbeat_seconds: u64, expires_at: u64) -> Self {
        Self { heartbeat: heartbeat_seconds * 1000, sent: now, heard: now, expires_at, warned: false }
    }

    pub fn heard(&mut self, now: Millis) {
        self.heard = now;
    }

    pub fn sent(&mut self, now: Millis) {
        self.sent = now;
    }

    /// The signature was replaced.
    pub fn renew(&mut self, expires_at: u64) {
        self.expires_at = expires_at;
        self.warned = false;
    }

    /// Until when the signature is valid, as clients are told.
    pub fn expires(&self) -> Millis {
        self.expires_at.saturating_mul(1000)
    }

    fn end(&self) -> Millis {
        // Its last second belongs to it.
        self.expires().saturating_add(1000)
    }

    fn silence(&self) -> Millis {
        self.heard + 3 * self.heartbeat + SILENCE
    }

    fn warning(&self) -> Millis {
        self.expires().saturating_sub(EXPIRY_WARNING)
    }

    /// When [`Self::due`] has to be asked again, if nothing happens.
    pub fn next(&self) -> Millis {
        let expiry = if self.warned { self.end() } else { self.warning() };
        (self.sent + self.heartbeat).min(self.silence()).min(expiry)
    }

    /// What is due now, the gravest first. A ping and the warning are given once.
    pub fn due(&mut self, now: Millis) -> Due {
        if now >= self.end() {
            Due::Expiry
        } else if now >= self.silence() {
            Due::Silence
        } else if !self.warned && now >= self.warning() {
            self.warned = true;
            Due::ExpiryWarning
        } else if now >= self.sent + self.heartbeat {
            self.sent = now;
            Due::Ping
        } else {
            Due::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Millis = 1_000_000_000;

    fn pulse() -> Pulse {
        Pulse::new(START, 25, START / 1000 + 1_000)
    }

    #[test]
    fn pings_after_a_heartbeat_without_sending() {
        let mut pulse = pulse();
        assert_eq!(pulse.next(), START + 25_000);
        assert_eq!(pulse.due(START + 24_999), Due::Nothing);
        assert_eq!(pulse.due(START + 25_000), Due::Ping);
        assert_eq!(pulse.due(START + 25_001), Due::Nothing);
        pulse.sent(START + 30_000);
        assert_eq!(pulse.next(), START + 55_000);
    }

    #[test]
    fn a_client_is_gone_after_three_heartbeats_and_fifteen_seconds() {
        let mut pulse = pulse();
        pulse.heard(START + 10_000);
        pulse.sent(START + 99_000);
        assert_eq!(pulse.due(START + 99_999), Due::Nothing);
        assert_eq!(pulse.due(START + 100_000), Due::Silence);
    }

    #[test]
    fn a_signature_is_warned_of_once_and_ends_after_its_last_second() {
        let mut pulse = pulse();
        let expires = START + 1_000_000;
        let alive = |pulse: &mut Pulse, now| {
            pulse.heard(now);
            pulse.sent(now);
        };
        alive(&mut pulse, expires - 300_001);
        assert_eq!(pulse.due(expires - 300_001), Due::Nothing);
        assert_eq!(pulse.next(), expires - 300_000);
        assert_eq!(pulse.due(expires - 300_000), Due::ExpiryWarning);
        assert_eq!(pulse.due(expires - 300_000), Due::Nothing);
        alive(&mut pulse, expires + 999);
        assert_eq!(pulse.due(expires + 999), Due::Nothing);
        assert_eq!(pulse.due(expires + 1_000), Due::Expiry);
        pulse.renew(expires / 1000 + 1_000);
        assert_eq!(pulse.due(expires + 1_000), Due::Nothing);
    }
}
