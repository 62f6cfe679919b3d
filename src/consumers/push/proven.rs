//! Whether a token or the configuration is to blame when a service says that they do not fit together.
//!
//! A wrong topic, address or project looks to the service as if every token were wrong. A token that is forgotten comes back
//! only when its app registers again, so it goes only if the configuration cannot be at fault:
//!
//! ```text
//!  a push that needed the same was taken     ► the token is wrong: it is forgotten
//!  none was taken at all                     ► later: an operator corrects the configuration, and nothing is lost
//!  only such as needed something else        ► refused: a dead letter, for which no other push waits
//! ```

use std::collections::BTreeSet;

use parking_lot::Mutex;

use super::service::Answer;

/// A part of the configuration that a service may hold against a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// Where tokens of released apps are known.
    Production,
    /// Where those of apps under development are.
    Sandbox,
    /// The configured topic.
    Topic,
    /// The project of the service account.
    Project,
}

/// What is known to be right, because a push that needed it was taken since the process started. It is read anew at every
/// start, as the configuration is.
#[derive(Default)]
pub struct Proven(Mutex<BTreeSet<Part>>);

impl Proven {
    /// A push was taken that needed these.
    pub fn taken(&self, needed: &[Part]) {
        self.0.lock().extend(needed);
    }

    /// What becomes of a push of which the service says that its token does not fit this part.
    pub fn judge(&self, part: Part, why: String) -> Answer {
        let proven = self.0.lock();
        if proven.contains(&part) {
            Answer::TokenGone(why)
        } else if proven.is_empty() {
            Answer::later(why)
        } else {
            Answer::Refused(why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_to_blame_only_for_what_has_worked() {
        let proven = Proven::default();
        let judge = |part| proven.judge(part, "no".to_owned());
        assert_eq!(judge(Part::Topic), Answer::later("no"));
        proven.taken(&[Part::Production]);
        assert_eq!(judge(Part::Production), Answer::TokenGone("no".to_owned()));
        assert_eq!(judge(Part::Topic), Answer::Refused("no".to_owned()));
        assert_eq!(judge(Part::Sandbox), Answer::Refused("no".to_owned()));
        proven.taken(&[Part::Sandbox, Part::Topic]);
        assert_eq!(judge(Part::Topic), Answer::TokenGone("no".to_owned()));
    }
}
