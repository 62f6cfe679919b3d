use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::consumers::push::service::Answer;

/// What came back for one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    status: StatusCode,
    after: Option<Duration>,
    reason: String,
}

/// What it means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Answer(Answer),
    /// The provider token has run out.
    TokenExpired(String),
}

#[derive(Deserialize)]
struct Failure {
    reason: String,
}

impl Reply {
    /// `body`: empty, or `{"reason": "..."}`.
    pub fn new(status: StatusCode, after: Option<Duration>, body: &[u8]) -> Self {
        let reason = serde_json::from_slice(body).map_or_else(|_| String::new(), |failure: Failure| failure.reason);
        Self { status, after, reason }
    }

    /// `own_topic`: the topic came from the client, not from the configuration.
    pub fn verdict(self, own_topic: bool) -> Verdict {
        let why = format!("{} {}", self.status.as_u16(), self.reason).trim_end().to_owned();
        Verdict::Answer(match (self.status.as_u16(), self.reason.as_str()) {
            (200..=299, _) => Answer::Taken,
            (403, "ExpiredProviderToken") => return Verdict::TokenExpired(why),
            (410, _) => Answer::TokenGone(why),
            (400, "BadDeviceToken" | "DeviceTokenNotForTopic" | "MissingDeviceToken") => Answer::TokenGone(why),
            // A topic that the client made up will not get better; a configured one an operator corrects.
            (400, "BadTopic" | "MissingTopic" | "TopicDisallowed") if own_topic => Answer::TokenGone(why),
            (400, "BadTopic" | "MissingTopic" | "TopicDisallowed") => Answer::later(why),
            (403 | 404 | 405 | 408 | 429 | 500.., _) => Answer::Later { why, after: self.after },
            _ => Answer::Refused(why),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str, own_topic: bool) -> Verdict {
        Reply::new(StatusCode::from_u16(status).unwrap(), None, body.as_bytes()).verdict(own_topic)
    }

    fn kind(status: u16, reason: &str, own_topic: bool) -> &'static str {
        match verdict(status, &format!(r#"{{"reason":"{reason}","timestamp":1}}"#), own_topic) {
            Verdict::Answer(Answer::Taken) => "taken",
            Verdict::Answer(Answer::TokenGone(_)) => "gone",
            Verdict::Answer(Answer::Refused(_)) => "refused",
            Verdict::Answer(Answer::Later { .. }) => "later",
            Verdict::TokenExpired(_) => "expired",
        }
    }

    #[test]
    fn every_reason_has_its_meaning() {
        for (status, reason, expected) in [
            (200, "", "taken"),
            (400, "BadDeviceToken", "gone"),
            (400, "DeviceTokenNotForTopic", "gone"),
            (410, "Unregistered", "gone"),
            (410, "ExpiredToken", "gone"),
            (400, "TopicDisallowed", "later"),
            (400, "BadMessageId", "refused"),
            (400, "BadExpirationDate", "refused"),
            (413, "PayloadTooLarge", "refused"),
            (403, "ExpiredProviderToken", "expired"),
            (403, "InvalidProviderToken", "later"),
            (404, "BadPath", "later"),
            (429, "TooManyRequests", "later"),
            (429, "TooManyProviderTokenUpdates", "later"),
            (500, "InternalServerError", "later"),
            (503, "Shutdown", "later"),
        ] {
            assert_eq!(kind(status, reason, false), expected, "{status} {reason}");
        }
        assert_eq!(kind(400, "TopicDisallowed", true), "gone");
    }

    #[test]
    fn an_answer_that_is_no_json_is_judged_by_its_status() {
        assert_eq!(verdict(502, "<html>", false), Verdict::Answer(Answer::later("502")));
        assert_eq!(verdict(200, "", false), Verdict::Answer(Answer::Taken));
    }
}
