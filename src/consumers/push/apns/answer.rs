use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::consumers::push::proven::{Part, Proven};
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

    /// `address`: the one that the push went to; `own_topic`: the topic came from the client, not from the configuration.
    pub fn verdict(self, address: Part, own_topic: bool, proven: &Proven) -> Verdict {
        let why = format!("{} {}", self.status.as_u16(), self.reason).trim_end().to_owned();
        Verdict::Answer(match (self.status.as_u16(), self.reason.as_str()) {
            (200..=299, _) => {
                let needed = [address, Part::Topic];
                proven.taken(if own_topic { &needed[..1] } else { &needed });
                Answer::Taken
            }
            (403, "ExpiredProviderToken") => return Verdict::TokenExpired(why),
            (410, _) | (400, "MissingDeviceToken") => Answer::TokenGone(why),
            (400, "BadDeviceToken") => proven.judge(address, why),
            (400, "DeviceTokenNotForTopic") if !own_topic => proven.judge(Part::Topic, why),
            // A topic that the client made up will not get better; a configured one an operator corrects.
            (400, "DeviceTokenNotForTopic" | "BadTopic" | "MissingTopic" | "TopicDisallowed") if own_topic => {
                Answer::TokenGone(why)
            }
            (400, "BadTopic" | "MissingTopic" | "TopicDisallowed") => Answer::later(why),
            (403 | 404 | 405 | 408 | 429 | 500.., _) => Answer::Later { why, after: self.after },
            _ => Answer::Refused(why),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str, own_topic: bool, proven: &Proven) -> Verdict {
        let reply = Reply::new(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
        reply.verdict(Part::Production, own_topic, proven)
    }

    fn kind(status: u16, reason: &str, own_topic: bool, proven: &Proven) -> &'static str {
        match verdict(status, &format!(r#"{{"reason":"{reason}","timestamp":1}}"#), own_topic, proven) {
            Verdict::Answer(Answer::Taken) => "taken",
            Verdict::Answer(Answer::TokenGone(_)) => "gone",
            Verdict::Answer(Answer::Refused(_)) => "refused",
            Verdict::Answer(Answer::Later { .. }) => "later",
            Verdict::TokenExpired(_) => "expired",
        }
    }

    #[test]
    fn every_reason_has_its_meaning() {
        let proven = Proven::default();
        for (status, reason, expected) in [
            (200, "", "taken"),
            (400, "MissingDeviceToken", "gone"),
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
            assert_eq!(kind(status, reason, false, &proven), expected, "{status} {reason}");
        }
        assert_eq!(kind(400, "TopicDisallowed", true, &proven), "gone");
    }

    /// With a wrong topic or a wrong address every token looks wrong.
    #[test]
    fn a_token_goes_only_if_topic_and_address_are_known_to_be_right() {
        let proven = Proven::default();
        let kinds =
            |own_topic| ["BadDeviceToken", "DeviceTokenNotForTopic"].map(|why| kind(400, why, own_topic, &proven));
        assert_eq!(kinds(false), ["later", "later"]);
        assert_eq!(kinds(true), ["later", "gone"], "the client's own topic is nobody's mistake but his");
        assert_eq!(kind(200, "", true, &proven), "taken");
        assert_eq!(kinds(false), ["gone", "refused"], "the address is right; of the topic nothing is known");
        assert_eq!(kind(200, "", false, &proven), "taken");
        assert_eq!(kinds(false), ["gone", "gone"]);
    }

    #[test]
    fn an_answer_that_is_no_json_is_judged_by_its_status() {
        let verdict = |status, body| verdict(status, body, false, &Proven::default());
        assert_eq!(verdict(502, "<html>"), Verdict::Answer(Answer::later("502")));
        assert_eq!(verdict(200, ""), Verdict::Answer(Answer::Taken));
    }
}
