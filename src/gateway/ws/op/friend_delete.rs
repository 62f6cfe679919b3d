use duolog_topics::{Account, Event, FriendAction, FriendChanged};
use serde::Deserialize;

use super::args::in_number;
use super::results::results;
use super::{Context, Granted};
use crate::domain::verdict::Answer;
use crate::gateway::friend::changed;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// Accounts that one request may name.
const ACCOUNTS: usize = 1_000;

/// `friend_delete`: the user no longer lists these friends, and with `both` they no longer list him.
#[derive(Deserialize)]
pub struct FriendDelete {
    accounts: Vec<Account>,
    #[serde(default)]
    both: bool,
}

impl FriendDelete {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let delete: Self = object(args)?;
        in_number(delete.accounts.len(), ACCOUNTS, "accounts")?;
        Ok(delete)
    }

    /// One record an account; the results are in their order, and a failure is that account's result.
    ///
    /// # Errors
    /// If nothing took effect as far as is known, and the same request may succeed later.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        let Self { accounts, both } = self;
        let removed = |peer: &Account| {
            let remove = changed(context.account(), peer.clone(), FriendAction::Remove, context.via());
            Event::from(FriendChanged { both, ..remove })
        };
        let events = accounts.iter().map(removed).collect();
        let answers = context.submit_each(events).await;
        if let Some(failure) = to_be_tried_again(&answers) {
            return Err(failure.clone());
        }
        let result = |answer: Result<Answer, Failure>| answer.map(|_| ()).map_err(|failure| failure.code);
        let list: Vec<_> = accounts.into_iter().zip(answers.into_iter().map(result)).collect();
        Ok(results(&list))
    }
}

/// Why the whole request is to be tried again: nothing of it took effect. Otherwise its results have to be told.
fn to_be_tried_again(answers: &[Result<Answer, Failure>]) -> Option<&Failure> {
    if answers.iter().any(Result::is_ok) {
        return None;
    }
    answers.iter().filter_map(|answer| answer.as_ref().err()).find(|failure| failure.code.retry())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_request_is_tried_again_as_a_whole_only_if_nothing_took_effect() {
        let (done, later, refused) = (Ok(Answer::Done), Code::REQUEST_TIMEOUT, Code::NOT_A_FRIEND);
        let of = |answers: &[Result<Answer, Failure>]| to_be_tried_again(answers).map(|failure| failure.code);
        assert_eq!(of(&[done, Err(later.into())]), None);
        assert_eq!(of(&[Err(refused.into()), Err(later.into())]), Some(later));
        assert_eq!(of(&[Err(refused.into()), Err(refused.into())]), None);
    }
}
