use std::time::Duration;

use super::super::random_u32;

/// What a close code asks of the client (docs/CLIENT_PROTOCOL.md, "Close codes").
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Closed {
    /// Stay away, because.
    Away(&'static str),
    /// Come back, with the usual back-off.
    Again,
    /// Come back after so long.
    AgainAfter(Duration),
}

/// What to do after the gateway closed the link; `None`: it broke without a word.
pub fn after(code: Option<u16>, reason: &str) -> Closed {
    match code {
        Some(1000) => Closed::Away("the gateway ended the session"),
        Some(1009) => Closed::Away("a message was too long for the gateway"),
        Some(4001) => Closed::Away("kicked"),
        Some(4003) => Closed::Away("not logged in"),
        Some(4004) => Closed::Away("the gateway found frames malformed: a defect of this program"),
        Some(4005) => Closed::Away("replaced by another connection of the same device; --device makes two of them"),
        Some(1013) => Closed::AgainAfter(match reason.trim().parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => Duration::from_secs(5 + u64::from(random_u32()) % 26),
        }),
        _ => Closed::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overloaded_gateway_says_for_how_long_or_it_is_5_to_30_seconds() {
        assert_eq!(after(Some(1013), "7"), Closed::AgainAfter(Duration::from_secs(7)));
        let Closed::AgainAfter(wait) = after(Some(1013), "") else { panic!("comes back") };
        assert!((5..=30).contains(&wait.as_secs()));
    }

    #[test]
    fn a_replaced_client_stays_away_and_a_lost_link_comes_back() {
        assert!(matches!(after(Some(4005), ""), Closed::Away(_)));
        assert_eq!(after(Some(1012), ""), Closed::Again);
        assert_eq!(after(None, ""), Closed::Again);
    }
}
