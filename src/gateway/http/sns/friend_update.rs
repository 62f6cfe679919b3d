use duolog_topics::{Account, Event, FriendAction, FriendChanged, ProfileItem, Via};

use super::tags::{self, GROUP, REMARK};
use super::{BATCH, INVALID};
use crate::error::Code;
use crate::gateway::friend::{changed, check_groups, check_remark};
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::{Fields, Object};
use crate::gateway::http::reply::Reply;
use crate::gateway::http::results::Results;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    changes: Vec<(String, Result<Change, Code>)>,
}

/// What an item sets; its own code if it is wrong, because the other items count all the same.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Change {
    remark: Option<String>,
    groups: Option<Vec<String>>,
    custom: Option<Vec<ProfileItem>>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let items = fields.objects("UpdateItem", BATCH, INVALID)?;
        let change = |item: &Object<'_>| {
            let fields = item.fields(INVALID);
            let sns = fields.objects("SnsItem", BATCH, INVALID)?;
            Ok((fields.need("To_Account")?, change(&sns)))
        };
        let changes = items.iter().map(change).collect::<Result<_, ApiError>>()?;
        Ok(Self { owner: fields.account("From_Account")?, changes })
    }
}

fn change(items: &[Object<'_>]) -> Result<Change, Code> {
    let mut change = Change::default();
    for item in items {
        let fields = item.fields(INVALID);
        let tag: String = fields.need("Tag").map_err(|error| error.code)?;
        match tag.as_str() {
            REMARK => {
                let remark: String = fields.need("Value").map_err(|error| error.code)?;
                check_remark(&remark).map_err(|unfit| unfit.code)?;
                change.remark = Some(remark);
            }
            GROUP => change.groups = Some(groups(fields)?),
            _ if tags::is_custom(&tag) => {
                change.custom.get_or_insert_default().push(tags::custom_item(tag, fields)?);
            }
            _ => return Err(Code::PROFILE_TAG_UNKNOWN),
        }
    }
    Ok(change)
}

fn groups(fields: Fields<'_, '_>) -> Result<Vec<String>, Code> {
    let groups: Vec<String> = fields.need("Value").map_err(|error| error.code)?;
    check_groups(&groups).map_err(|unfit| unfit.code)?;
    Ok(groups)
}

/// Per account: 31704 if the owner does not list it, 30011 for too many groups, 40009 for a tag that is none, 40601 and
/// 40610 for one of the app's own fields that is too long or neither text nor number.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let owner = request.owner;
    context.must_exist(&owner, Code::RELATION_ACCOUNT_UNKNOWN).await?;
    let mut checked = Vec::new();
    let mut events = Vec::new();
    for (name, change) in request.changes {
        let peer = Account::new(&name).map_err(|_| Code::NOT_A_FRIEND);
        match change.and_then(|change| Ok((peer?, change))) {
            Ok((peer, change)) => {
                events.push((owner.clone(), event(&owner, peer, change, context.via())));
                checked.push((name, Ok(())));
            }
            Err(code) => checked.push((name, Err(code))),
        }
    }
    let mut answers = context.submit_each(events).await.into_iter();
    let mut answer = || answers.next().map_or(Ok(()), |answer| answer.map(|_| ()).map_err(|error| error.code));
    let results = checked.into_iter().map(|(name, result)| (name, result.and_then(|()| answer())));
    Ok(Reply::ok(&results.collect::<Results>()))
}

fn event(owner: &Account, peer: Account, change: Change, via: Option<Via>) -> Event {
    let Change { remark, groups, custom } = change;
    FriendChanged { forced: true, remark, groups, custom, ..changed(owner, peer, FriendAction::Update, via) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(items: &str) -> Result<Change, Code> {
        let json = format!(r#"{{"From_Account":"a","UpdateItem":[{{"To_Account":"b","SnsItem":[{items}]}}]}}"#);
        let object = Object::parse(&json).unwrap();
        let request = Request::parse(object.fields(INVALID)).map_err(|error| error.code)?;
        request.changes.into_iter().next().unwrap().1
    }

    #[test]
    fn remark_and_groups_are_set() {
        let items = format!(r#"{{"Tag":"{REMARK}","Value":"r"}},{{"Tag":"{GROUP}","Value":["g","h"]}}"#);
        let change = parse(&items).unwrap();
        assert_eq!(change.remark.as_deref(), Some("r"));
        assert_eq!(change.groups.unwrap().len(), 2);
        assert_eq!(parse(&format!(r#"{{"Tag":"{REMARK}","Value":""}}"#)).unwrap().remark.as_deref(), Some(""));
        let custom = r#"{"Tag":"Tag_SNS_Custom_Met","Value":"x"},{"Tag":"Tag_SNS_Custom_Stars","Value":5}"#;
        assert_eq!(parse(custom).unwrap().custom.unwrap().len(), 2);
    }

    #[test]
    fn a_wrong_item_has_its_code() {
        let group = |count: usize| format!(r#"{{"Tag":"{GROUP}","Value":[{}]}}"#, vec![r#""g""#; count].join(","));
        for (items, code) in [
            ("", 30001),
            (r#"{"Tag":"Tag_SNS_IM_Remark"}"#, 30001),
            (r#"{"Tag":"Tag_SNS_IM_Remark","Value":1}"#, 30001),
            (&format!(r#"{{"Tag":"{REMARK}","Value":"{}"}}"#, "r".repeat(97)), 30001),
            (r#"{"Tag":"Tag_SNS_IM_Group","Value":"g"}"#, 30001),
            (&group(33), 30011),
            (r#"{"Tag":"Tag_SNS_Custom_","Value":"x"}"#, 40009),
            (r#"{"Tag":"Tag_SNS_Custom_123456789","Value":"x"}"#, 40009),
            (r#"{"Tag":"Tag_SNS_IM_AddTime","Value":1}"#, 40009),
            (r#"{"Tag":"Tag_SNS_Custom_X","Value":["x"]}"#, 40610),
            (r#"{"Tag":"Tag_SNS_Custom_X"}"#, 40610),
            (&format!(r#"{{"Tag":"Tag_SNS_Custom_X","Value":"{}"}}"#, "x".repeat(501)), 40601),
        ] {
            assert_eq!(parse(items).unwrap_err().number(), code, "{items}");
        }
        assert_eq!(parse(&group(32)).unwrap().groups.unwrap().len(), 32);
    }
}
