use std::collections::HashMap;

use duolog_topics::{Account, Event, FriendAction, FriendChanged, ProfileItem};

use super::{BATCH, Directions, INVALID, directions};
use crate::domain::verdict::Answer;
use crate::domain::view::Mailbox;
use crate::error::Code;
use crate::gateway::friend::{GROUP_BYTES, REMARK_BYTES, WORDING_BYTES, changed, check_group_names, check_source};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::{Fields, Object};
use crate::gateway::http::reply::Reply;
use crate::gateway::http::results::Results;
use crate::gateway::profile;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    both: bool,
    forced: bool,
    friends: Vec<NewFriend>,
}

/// One item of a request that adds friends.
#[derive(Debug)]
pub(super) struct NewFriend {
    pub to: String,
    remark: Option<String>,
    groups: Option<Vec<String>>,
    source: String,
    wording: Option<String>,
    /// The app's own fields, which only imports bring; their own code if they are wrong, because the other friends count all
    /// the same.
    pub custom: Result<Option<Vec<ProfileItem>>, Code>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let both = directions(fields, "AddType", "Add_Type_", Some(Directions::Both))? == Directions::Both;
        let forced = fields.flag("ForceAddFlags")?;
        Ok(Self { owner: fields.account("From_Account")?, both, forced, friends: friends(fields, friend)? })
    }
}

/// `AddFriendItem`, each item read by `friend`.
pub(super) fn friends(
    fields: Fields<'_, '_>,
    friend: impl FnMut(&Object<'_>) -> Result<NewFriend, ApiError>,
) -> Result<Vec<NewFriend>, ApiError> {
    fields.objects("AddFriendItem", BATCH, INVALID)?.iter().map(friend).collect()
}

/// The members that additions and imports have in common.
pub(super) fn friend(item: &Object<'_>) -> Result<NewFriend, ApiError> {
    let fields = item.fields(INVALID);
    let source: String = fields.need("AddSource")?;
    check_source(&source)?;
    Ok(NewFriend {
        to: fields.need("To_Account")?,
        remark: fields.text("Remark", REMARK_BYTES)?,
        groups: groups(fields)?,
        source,
        wording: fields.text("AddWording", WORDING_BYTES)?,
        custom: Ok(None),
    })
}

/// `GroupName`: one name, or a list of them in imports.
fn groups(fields: Fields<'_, '_>) -> Result<Option<Vec<String>>, ApiError> {
    let name = "GroupName";
    let groups = match fields.raw(name).is_some_and(|raw| raw.starts_with('[')) {
        true => fields.get::<Vec<String>>(name)?.filter(|groups| !groups.is_empty()),
        false => fields.text(name, GROUP_BYTES)?.map(|group| vec![group]),
    };
    check_group_names(groups.as_deref().unwrap_or_default())?;
    Ok(groups)
}

/// Adds the friends; the results are in their order. A request that waits for its answer is 30539.
pub(super) async fn add(
    context: &Context<'_>,
    owner: Account,
    friends: Vec<NewFriend>,
    both: bool,
    forced: bool,
) -> Result<Results, ApiError> {
    context.must_exist(&owner, Code::RELATION_ACCOUNT_UNKNOWN).await?;
    let peers: Vec<Account> = friends.iter().filter_map(|friend| Account::new(&friend.to).ok()).collect();
    let allowed = allowed(context, &owner, &peers, both, forced).await?;
    let mut names = Vec::new();
    let mut events = Vec::new();
    for friend in friends {
        let peer = Account::new(&friend.to).map_err(|_| Code::RELATION_ACCOUNT_UNKNOWN);
        let action = peer.and_then(|peer| {
            let action = allowed.get(&peer).copied().unwrap_or(Err(Code::RELATION_ACCOUNT_UNKNOWN))?;
            Ok((peer, action, friend.custom?))
        });
        names.push((friend.to, action.as_ref().map(|_| ()).map_err(|code| *code)));
        if let Ok((peer, action, custom)) = action {
            let event = FriendChanged {
                both,
                forced,
                remark: friend.remark,
                groups: friend.groups,
                source: Some(friend.source),
                wording: friend.wording,
                custom,
                ..changed(&owner, peer, action, context.via())
            };
            events.push((owner.clone(), Event::from(event)));
        }
    }
    let mut answers = context.submit_each(events).await.into_iter();
    let mut next = || match answers.next() {
        Some(Ok(Answer::Pending)) => Err(Code::FRIEND_REQUEST_PENDING),
        Some(Ok(_)) | None => Ok(()),
        Some(Err(error)) => Err(error.code),
    };
    Ok(names.into_iter().map(|(name, asked)| (name, asked.and_then(|()| next()))).collect())
}

/// How each peer who exists may be added.
async fn allowed(
    context: &Context<'_>,
    owner: &Account,
    peers: &[Account],
    both: bool,
    forced: bool,
) -> Result<HashMap<Account, Result<FriendAction, Code>>, ApiError> {
    if forced && !both {
        let known = context.known(peers).await?;
        return Ok(known.into_iter().map(|peer| (peer, Ok(FriendAction::Add))).collect());
    }
    let owner = owner.clone();
    let query = move |mailbox: &Mailbox<'_>, peer: &Account| profile::adding(mailbox, peer, &owner, both, forced);
    let asked = context.read_each(peers.to_vec(), query).await?;
    Ok(peers.iter().cloned().zip(asked).filter_map(|(peer, action)| Some((peer, action?))).collect())
}

/// Per account: 30539 if the peer has to accept, 30516 if he takes no requests, 30515 and 30525 for a block, 30010 and
/// 30014 for a full list, 30012 if too many requests wait for him, 30009 if the owner may not add, 30003 if the peer does
/// not exist, 30001 for the owner himself.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let results = add(context, request.owner, request.friends, request.both, request.forced).await?;
    Ok(Reply::ok(&results))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(item: &str, rest: &str) -> Result<Request, u32> {
        let json = format!(r#"{{"From_Account":"a","AddFriendItem":[{item}]{rest}}}"#);
        let object = Object::parse(&json).unwrap();
        Request::parse(object.fields(INVALID)).map_err(|error| error.code.number())
    }

    #[test]
    fn defaults_are_both_ways_and_not_forced() {
        let item = r#"{"To_Account":"b","AddSource":"AddSource_Type_web","Remark":"","GroupName":"g"}"#;
        let request = parse(item, "").unwrap();
        assert!(request.both && !request.forced);
        assert_eq!(request.friends[0].groups, Some(vec!["g".to_owned()]));
        assert_eq!(request.friends[0].remark, None);
        let request = parse(item, r#","AddType":"Add_Type_Single","ForceAddFlags":1"#).unwrap();
        assert!(!request.both && request.forced);
    }

    #[test]
    fn a_wrong_field_is_30001() {
        let item = |member: &str| format!(r#"{{"To_Account":"b","AddSource":"AddSource_Type_web",{member}}}"#);
        for item in [
            String::new(),
            r#"{"To_Account":"b"}"#.to_owned(),
            r#"{"AddSource":"AddSource_Type_web"}"#.to_owned(),
            r#"{"To_Account":"b","AddSource":"web"}"#.to_owned(),
            r#"{"To_Account":"b","AddSource":"AddSource_Type_123456789"}"#.to_owned(),
            item(&format!(r#""Remark":"{}""#, "r".repeat(97))),
            item(&format!(r#""GroupName":"{}""#, "g".repeat(31))),
            item(&format!(r#""GroupName":["{}"]"#, "g".repeat(31))),
            item(&format!(r#""AddWording":"{}""#, "w".repeat(257))),
        ] {
            assert_eq!(parse(&item, "").unwrap_err(), 30001, "{item}");
        }
        let item = item(r#""Remark":"r""#);
        for rest in [r#","AddType":"Both""#, r#","ForceAddFlags":2"#] {
            assert_eq!(parse(&item, rest).unwrap_err(), 30001, "{rest}");
        }
    }
}
