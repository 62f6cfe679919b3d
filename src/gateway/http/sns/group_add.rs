use duolog_topics::Account;
use serde::Serialize;

use super::groups::{self, Sequence};
use super::{BATCH, INVALID};
use crate::error::Code;
use crate::gateway::friend::GROUPS;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;
use crate::gateway::http::results::Results;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    groups: Vec<String>,
    friends: Vec<String>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let groups = groups::names(fields)?;
        let given = fields.get::<Vec<String>>("To_Account")?.is_some_and(|friends| !friends.is_empty());
        let friends = if given { fields.names("To_Account", BATCH, INVALID)? } else { Vec::new() };
        Ok(Self { owner: fields.account("From_Account")?, groups, friends })
    }
}

#[derive(Serialize)]
struct Members {
    #[serde(flatten)]
    results: Results,
    #[serde(flatten)]
    sequence: Sequence,
}

/// Makes groups and adds friends to them, if any are named. Per account: 31704 if the owner does not list it, 30011 for too
/// many groups.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30011 for too many groups, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let Request { owner, groups, friends } = request;
    groups::change(context, &owner, groups.clone(), true).await?;
    let listed = groups::friends(context, &owner).await?;
    let (mut checked, mut events) = (Vec::new(), Vec::new());
    for name in friends {
        let friend = Account::new(&name).ok().and_then(|peer| listed.get(&peer));
        let added = friend.ok_or(Code::NOT_A_FRIEND).and_then(|friend| {
            let mut all = friend.row.groups.clone();
            all.extend(groups.iter().filter(|group| !friend.row.groups.contains(group)).cloned());
            if all.len() > GROUPS { Err(Code::FRIEND_GROUPS_FULL) } else { Ok((&friend.peer, all)) }
        });
        checked.push((
            name,
            added.map(|(peer, all)| {
                events.push(groups::set(context, &owner, peer, all));
            }),
        ));
    }
    let mut answers = context.submit_each(events).await.into_iter();
    let mut answer = || answers.next().map_or(Ok(()), |answer| answer.map(|_| ()).map_err(|error| error.code));
    let results = checked.into_iter().map(|(name, result)| (name, result.and_then(|()| answer()))).collect();
    Ok(Reply::ok(&Members { results, sequence: groups::sequence(context, &owner).await? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn groups_and_friends_are_named() {
        let parse = |groups: &str, friends: &str| {
            let json = format!(r#"{{"From_Account":"a","GroupName":{groups},"To_Account":{friends}}}"#);
            let object = Object::parse(&json).unwrap();
            Request::parse(object.fields(INVALID)).map_err(|error| error.code.number())
        };
        assert!(parse(r#"["g"]"#, r#"["b"]"#).is_ok());
        assert!(parse(r#"["g"]"#, "null").unwrap().friends.is_empty());
        let many = format!("[{}]", vec![r#""g""#; 33].join(","));
        let long = format!(r#"["{}"]"#, "g".repeat(31));
        for (groups, friends) in
            [("null", r#"["b"]"#), ("[]", r#"["b"]"#), (&*many, r#"["b"]"#), (&*long, r#"["b"]"#), (r#"["g"]"#, "[1]")]
        {
            assert_eq!(parse(groups, friends).unwrap_err(), 30001, "{groups} {friends}");
        }
    }
}
