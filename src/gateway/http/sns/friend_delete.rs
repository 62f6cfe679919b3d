use duolog_topics::{Account, Event, FriendAction, FriendChanged};

use super::{Accounts, Directions, directions};
use crate::error::Code;
use crate::gateway::friend::changed;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;
use crate::gateway::http::results::Results;

#[derive(Debug)]
pub struct Request {
    accounts: Accounts,
    both: bool,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self { accounts: Accounts::parse(fields)?, both: both(fields)? })
    }
}

/// `DeleteType`: one direction if it is not there.
pub(super) fn both(fields: Fields<'_, '_>) -> Result<bool, ApiError> {
    let directions = directions(fields, "DeleteType", "Delete_Type_", Some(Directions::Single))?;
    Ok(directions == Directions::Both)
}

/// The event that ends a friendship.
pub(super) fn removed(context: &Context<'_>, owner: &Account, peer: Account, both: bool) -> (Account, Event) {
    let event = FriendChanged { both, forced: true, ..changed(owner, peer, FriendAction::Remove, context.via()) };
    (owner.clone(), event.into())
}

/// Per account: 31704 if the owner does not list it.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Accounts { from, to } = request.accounts;
    context.must_exist(&from, Code::RELATION_ACCOUNT_UNKNOWN).await?;
    let peers: Vec<Option<Account>> = to.iter().map(|name| Account::new(name).ok()).collect();
    let events: Vec<_> =
        peers.iter().flatten().map(|peer| removed(context, &from, peer.clone(), request.both)).collect();
    let mut answers = context.submit_each(events).await.into_iter();
    let results = to.into_iter().zip(peers).map(|(name, peer)| {
        let answer = peer.and_then(|_| answers.next()).unwrap_or(Err(Code::NOT_A_FRIEND.into()));
        (name, answer.map(|_| ()).map_err(|error| error.code))
    });
    Ok(Reply::ok(&results.collect::<Results>()))
}

#[cfg(test)]
mod tests {
    use super::super::INVALID;
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn one_direction_is_the_default() {
        let parse = |rest: &str| {
            let json = format!(r#"{{"From_Account":"a","To_Account":["b"]{rest}}}"#);
            let object = Object::parse(&json).unwrap();
            Request::parse(object.fields(INVALID)).map(|request| request.both).map_err(|error| error.code.number())
        };
        assert_eq!(parse(""), Ok(false));
        assert_eq!(parse(r#","DeleteType":"Delete_Type_Both""#), Ok(true));
        assert_eq!(parse(r#","DeleteType":"x""#), Err(30001));
    }
}
