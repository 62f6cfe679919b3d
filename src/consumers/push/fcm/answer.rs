use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::consumers::push::proven::{Part, Proven};
use crate::consumers::push::service::Answer;

/// What came back for one request.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    after: Option<Duration>,
    failure: Failure,
}

/// What it means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Answer(Answer),
    /// The bearer token is not accepted.
    BearerRefused(String),
}

#[derive(Deserialize)]
struct Body {
    error: Failure,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct Failure {
    status: String,
    message: String,
    details: Vec<Detail>,
}

/// Details are of several types; these are the members of `FcmError` and of `BadRequest`.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    error_code: Option<String>,
    field_violations: Vec<Violation>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct Violation {
    field: String,
}

impl Failure {
    /// The code of FCM, or else the one of Google's APIs in general.
    fn code(&self) -> &str {
        self.details.iter().find_map(|detail| detail.error_code.as_deref()).unwrap_or(&self.status)
    }

    /// Whether an invalid argument is the token. FCM names the field of whatever else it does not like.
    fn blames_token(&self) -> bool {
        let mut fields = self.details.iter().flat_map(|detail| &detail.field_violations).peekable();
        match fields.peek() {
            Some(_) => fields.any(|violation| violation.field == "message.token"),
            None => self.message.contains("registration token"),
        }
    }
}

impl Reply {
    pub fn new(status: StatusCode, after: Option<Duration>, body: &[u8]) -> Self {
        let failure = serde_json::from_slice(body).map_or_else(|_| Failure::default(), |body: Body| body.error);
        Self { status, after, failure }
    }

    pub fn verdict(self, proven: &Proven) -> Verdict {
        let code = self.failure.code();
        let why = format!("{} {code} {}", self.status.as_u16(), self.failure.message).trim_end().to_owned();
        Verdict::Answer(match (self.status.as_u16(), code) {
            (200..=299, _) => {
                proven.taken(&[Part::Project]);
                Answer::Taken
            }
            (_, "UNREGISTERED") => Answer::TokenGone(why),
            (_, "SENDER_ID_MISMATCH") => proven.judge(Part::Project, why),
            (_, "INVALID_ARGUMENT") if self.failure.blames_token() => Answer::TokenGone(why),
            // The project's own key for Apple or for the web is wrong: an operator corrects it there.
            (_, "THIRD_PARTY_AUTH_ERROR") => Answer::later(why),
            (401, _) => return Verdict::BearerRefused(why),
            (403 | 404 | 408 | 429 | 500.., _) => Answer::Later { why, after: self.after },
            _ => Answer::Refused(why),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kind(status: u16, error: &Value) -> &'static str {
        kind_after(&Proven::default(), status, error)
    }

    fn kind_after(proven: &Proven, status: u16, error: &Value) -> &'static str {
        let body = json!({"error": error}).to_string();
        match Reply::new(StatusCode::from_u16(status).unwrap(), None, body.as_bytes()).verdict(proven) {
            Verdict::Answer(Answer::Taken) => "taken",
            Verdict::Answer(Answer::TokenGone(_)) => "gone",
            Verdict::Answer(Answer::Refused(_)) => "refused",
            Verdict::Answer(Answer::Later { .. }) => "later",
            Verdict::BearerRefused(_) => "bearer",
        }
    }

    fn fcm_error(code: &str) -> Value {
        json!([{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}])
    }

    #[test]
    fn every_code_has_its_meaning() {
        for (status, code, expected) in [
            (404, "UNREGISTERED", "gone"),
            (403, "SENDER_ID_MISMATCH", "later"),
            (401, "THIRD_PARTY_AUTH_ERROR", "later"),
            (429, "QUOTA_EXCEEDED", "later"),
            (503, "UNAVAILABLE", "later"),
            (500, "INTERNAL", "later"),
            (400, "INVALID_ARGUMENT", "refused"),
        ] {
            assert_eq!(kind(status, &json!({"status": "X", "details": fcm_error(code)})), expected, "{code}");
        }
        assert_eq!(kind(401, &json!({"status": "UNAUTHENTICATED"})), "bearer");
        assert_eq!(kind(403, &json!({"status": "PERMISSION_DENIED"})), "later");
        assert_eq!(kind(404, &json!({"status": "NOT_FOUND"})), "later");
    }

    /// With the account of another project every token looks like another sender's.
    #[test]
    fn a_token_of_another_sender_goes_only_if_the_project_is_known_to_be_right() {
        let proven = Proven::default();
        let mismatch = json!({"status": "PERMISSION_DENIED", "details": fcm_error("SENDER_ID_MISMATCH")});
        assert_eq!(kind_after(&proven, 403, &mismatch), "later");
        assert_eq!(kind_after(&proven, 200, &json!({})), "taken");
        assert_eq!(kind_after(&proven, 403, &mismatch), "gone");
    }

    #[test]
    fn an_invalid_argument_may_be_the_token() {
        let violation = |field: &str| {
            json!({"status": "INVALID_ARGUMENT", "message": "the registration token or so", "details": [
                {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field}]}]})
        };
        assert_eq!(kind(400, &violation("message.token")), "gone");
        assert_eq!(kind(400, &violation("message.data[0].value")), "refused");
        let plain = json!({"status": "INVALID_ARGUMENT", "details": fcm_error("INVALID_ARGUMENT"),
            "message": "The registration token is not a valid FCM registration token"});
        assert_eq!(kind(400, &plain), "gone");
    }

    #[test]
    fn an_answer_that_is_no_json_is_judged_by_its_status() {
        let verdict = |status| Reply::new(status, None, b"<html>").verdict(&Proven::default());
        assert_eq!(verdict(StatusCode::OK), Verdict::Answer(Answer::Taken));
        assert_eq!(verdict(StatusCode::BAD_GATEWAY), Verdict::Answer(Answer::later("502")));
    }
}
