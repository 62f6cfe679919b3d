use std::collections::HashSet;

use duolog_topics::Account;
use serde::Serialize;

use super::to_account;
use crate::domain::view::Mailbox;
use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::Fields;
use crate::gateway::http::reply::Reply;

/// Peers that one call may name.
const PEERS: usize = 10;

#[derive(Debug)]
pub struct Request {
    account: Account,
    /// Absent: the account's total.
    peers: Option<Vec<String>>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let account = to_account(fields, "To_Account")?;
        let given = fields.get::<Vec<String>>("Peer_Account")?.is_some_and(|peers| !peers.is_empty());
        let peers = given.then(|| fields.names("Peer_Account", PEERS, Code::TOO_MANY_ACCOUNTS)).transpose()?;
        Ok(Self { account, peers })
    }
}

#[derive(Serialize)]
struct Total {
    #[serde(rename = "AllC2CUnreadMsgNum")]
    total: u64,
}

#[derive(Serialize, Default)]
struct Members {
    #[serde(rename = "C2CUnreadMsgNumList")]
    list: Vec<Unread>,
    #[serde(rename = "ErrorList", skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Unread {
    #[serde(rename = "Peer_Account")]
    peer: String,
    #[serde(rename = "C2CUnreadMsgNum")]
    unread: u64,
}

#[derive(Serialize)]
struct Failed {
    #[serde(rename = "Peer_Account")]
    peer: String,
    #[serde(rename = "ErrorCode")]
    code: u32,
}

/// Without peers the account's total, with peers each one's number; peers that do not exist are listed with 70107.
///
/// # Errors
/// 90003 if the account is missing, wrong or unknown; 90018 for too many peers; 90001 for peers that are no texts.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    let account = request.account;
    let name = account.clone();
    let query = move |mailbox: &Mailbox<'_>| {
        let owner = mailbox.account(&name)?;
        owner.map(|owner| mailbox.unread_total(&name, &owner)).transpose()
    };
    let total = context.read(&account, query).await?;
    let unknown = || ApiError::new(Code::TO_ACCOUNT_INVALID, format!("the account {account} does not exist"));
    let total = total.ok_or_else(unknown)?;
    match request.peers {
        None => Ok(Reply::ok(&Total { total })),
        Some(peers) => Ok(Reply::ok(&by_peer(context, account, peers).await?)),
    }
}

async fn by_peer(context: &Context<'_>, account: Account, names: Vec<String>) -> Result<Members, ApiError> {
    let peers: Vec<Account> = names.iter().filter_map(|name| Account::new(name).ok()).collect();
    let existing: HashSet<Account> = context.existing(peers).await?;
    let owner = account.clone();
    let unread = move |mailbox: &Mailbox<'_>| {
        let mut members = Members::default();
        for name in names {
            match Account::new(&name).ok().filter(|peer| existing.contains(peer)) {
                Some(peer) => {
                    let conversation = mailbox.conversation(&owner, &peer)?;
                    members.list.push(Unread { peer: name, unread: conversation.map_or(0, |row| row.unread) });
                }
                None => members.failed.push(Failed { peer: name, code: Code::ACCOUNT_UNKNOWN.number() }),
            }
        }
        Ok(members)
    };
    context.read(&account, unread).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn peers_are_optional_and_at_most_ten() {
        let parse = |peers: &str| {
            let json = format!(r#"{{"To_Account":"a","Peer_Account":{peers}}}"#);
            let object = Object::parse(&json).unwrap();
            Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).map_err(|error| error.code.number())
        };
        let of = |count: usize| format!("[{}]", vec![r#""b""#; count].join(","));
        assert!(parse("null").unwrap().peers.is_none());
        assert!(parse("[]").unwrap().peers.is_none());
        assert_eq!(parse(&of(10)).unwrap().peers.unwrap().len(), 10);
        assert_eq!(parse(&of(11)).unwrap_err(), 90018);
        assert_eq!(parse("\"b\"").unwrap_err(), 90001);
        let object = Object::parse("{}").unwrap();
        let error = Request::parse(object.fields(Code::MESSAGE_JSON_INVALID)).unwrap_err();
        assert_eq!(error.code, Code::TO_ACCOUNT_INVALID);
    }
}
