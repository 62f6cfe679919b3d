//! Every metric of offline push; tries, retries and how far the consumers have come are the runner's.

use metrics::counter;

use super::due::Because;
use super::service::Answer;

/// Pushes handed to a service, by its answer.
const PUSHES: &str = "duolog_pushes_total";
/// Messages that were not pushed, by reason.
const NOT_PUSHED: &str = "duolog_pushes_dropped_total";
/// Tokens forgotten because their service said that they reach nobody.
const TOKENS_GONE: &str = "duolog_push_tokens_gone_total";

pub fn answered(service: &'static str, answer: &Answer) {
    let answer = match answer {
        Answer::Taken => "taken",
        Answer::TokenGone(_) => "token_gone",
        Answer::Refused(_) => "refused",
        Answer::Later { .. } => "later",
    };
    counter!(PUSHES, "service" => service, "answer" => answer).increment(1);
}

pub fn dropped(service: &'static str, because: Because) {
    counter!(NOT_PUSHED, "service" => service, "because" => because.name()).increment(1);
}

pub fn token_gone(service: &'static str) {
    counter!(TOKENS_GONE, "service" => service).increment(1);
}
