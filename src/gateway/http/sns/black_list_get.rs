use duolog_topics::Account;
use serde::Serialize;

use crate::domain::judge::BLACKLIST_LIMIT;
use crate::domain::rows::{RelationKind, RowsError};
use crate::domain::view::Mailbox;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

#[derive(Debug)]
pub struct Request {
    owner: Account,
    start: usize,
    limit: usize,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        // What the caller knows already is no reason to answer less: only its type is checked.
        fields.need::<u64>("LastSequence")?;
        let number = |name| fields.need::<u64>(name).map(|number| number.min(u64::from(BLACKLIST_LIMIT)) as usize);
        let (start, limit) = (number("StartIndex")?, number("MaxLimited")?);
        if limit == 0 {
            return Err(fields.error("MaxLimited is 0"));
        }
        Ok(Self { owner: fields.account("From_Account")?, start, limit })
    }

    fn list(&self, mailbox: &Mailbox<'_>) -> Result<Option<Members>, RowsError> {
        let Some(owner) = mailbox.account(&self.owner)? else { return Ok(None) };
        let listed = mailbox.listed(&self.owner, RelationKind::Block, None, self.start + self.limit + 1)?;
        let end = self.start + self.limit;
        let next = if listed.len() > end { end } else { 0 };
        let item = |listed: crate::domain::view::Listed| Item {
            account: listed.peer.as_str().to_owned(),
            added: listed.added / 1000,
        };
        let items = listed.into_iter().skip(self.start).take(self.limit).map(item).collect();
        Ok(Some(Members { items, next, sequence: owner.blacklist_revision }))
    }
}

#[derive(Serialize)]
struct Members {
    #[serde(rename = "BlackListItem")]
    items: Vec<Item>,
    /// Where the next page starts; 0 = this was the last.
    #[serde(rename = "StartIndex")]
    next: usize,
    /// Spelt so on the wire.
    #[serde(rename = "CurruentSequence")]
    sequence: u64,
}

#[derive(Serialize)]
struct Item {
    #[serde(rename = "To_Account")]
    account: String,
    /// Unix seconds.
    #[serde(rename = "AddBlackTimeStamp")]
    added: u64,
}

/// In the order of names.
///
/// # Errors
/// 30001 for a field that is missing or wrong, 30003 if the owner does not exist; the engine's.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let owner = request.owner.clone();
    let members = context.read(&owner, move |mailbox| request.list(mailbox)).await?;
    Ok(Reply::ok(&members.ok_or(Code::RELATION_ACCOUNT_UNKNOWN)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn all_fields_are_required() {
        let parse = |json: &str| {
            let object = Object::parse(json).unwrap();
            Request::parse(object.fields(super::super::INVALID)).map_err(|error| error.code.number())
        };
        let request = parse(r#"{"From_Account":"a","StartIndex":5,"MaxLimited":9999999,"LastSequence":0}"#).unwrap();
        assert_eq!((request.start, request.limit), (5, 1_000));
        for json in [
            r#"{"StartIndex":0,"MaxLimited":1,"LastSequence":0}"#,
            r#"{"From_Account":"a","MaxLimited":1,"LastSequence":0}"#,
            r#"{"From_Account":"a","StartIndex":0,"LastSequence":0}"#,
            r#"{"From_Account":"a","StartIndex":0,"MaxLimited":1}"#,
            r#"{"From_Account":"a","StartIndex":0,"MaxLimited":0,"LastSequence":0}"#,
            r#"{"From_Account":"a","StartIndex":"0","MaxLimited":1,"LastSequence":0}"#,
        ] {
            assert_eq!(parse(json).unwrap_err(), 30001, "{json}");
        }
    }
}
