//! Arguments that several ops share.

use duolog_topics::{Account, MsgKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Context;
use crate::domain::rows::RelationKind;
use crate::domain::view::{Listed, Mailbox};
use crate::error::Code;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// Reads an argument that has a code of its own.
///
/// # Errors
/// The code, if the argument is missing or is not what it has to be.
pub fn required<T: DeserializeOwned>(value: Option<&RawValue>, name: &'static str, code: Code) -> Result<T, Failure> {
    let value = value.ok_or_else(|| Failure::new(code, format!("{name} is missing")))?;
    serde_json::from_str(value.get()).map_err(|error| Failure::new(code, format!("{name}: {error}")))
}

/// The same for an argument that may be missing.
///
/// # Errors
/// The code, if the argument is not what it has to be.
pub fn optional<T: DeserializeOwned>(
    value: Option<&RawValue>,
    name: &'static str,
    code: Code,
) -> Result<Option<T>, Failure> {
    value.map(|value| required(Some(value), name, code)).transpose()
}

/// A message's key.
///
/// # Errors
/// 90054 if it is none.
pub fn key(text: &str) -> Result<MsgKey, Failure> {
    text.parse().map_err(|error: duolog_topics::MsgKeyError| Failure::new(Code::MSG_KEY_INVALID, error.to_string()))
}

/// `peer` and `keys`, of an op that takes nothing else: messages of one conversation.
pub struct Messages {
    pub peer: Account,
    pub keys: Vec<MsgKey>,
}

impl Messages {
    /// At least one message, at most `limit`.
    ///
    /// # Errors
    /// 90054 for a key that is none, 60003 for none or too many, or another field.
    pub fn parse(args: &str, limit: usize) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Args {
            peer: Account,
            keys: Vec<String>,
        }
        let Args { peer, keys } = object(args)?;
        in_number(keys.len(), limit, "keys")?;
        let keys = keys.iter().map(|text| key(text)).collect::<Result<_, _>>()?;
        Ok(Self { peer, keys })
    }
}

/// `accounts`, of an op that takes nothing else.
///
/// # Errors
/// 60003 for none or too many, or a name that no account can have.
pub fn accounts(args: &str, limit: usize) -> Result<Vec<Account>, Failure> {
    #[derive(Deserialize)]
    struct Accounts {
        accounts: Vec<Account>,
    }
    let Accounts { accounts } = object(args)?;
    in_number(accounts.len(), limit, "accounts")?;
    Ok(accounts)
}

/// # Errors
/// 60003 for none or too many.
pub fn in_number(count: usize, limit: usize, name: &'static str) -> Result<(), Failure> {
    if (1..=limit).contains(&count) {
        Ok(())
    } else {
        Err(Failure::malformed(format!("{name}: {count} of them, at least 1 and at most {limit} are allowed")))
    }
}

/// The size of a page: what was asked for, but at most `most`; that if nothing was asked for.
///
/// # Errors
/// 60003 for 0: such a page leads nowhere.
pub fn page_size(asked: Option<u64>, most: usize) -> Result<usize, Failure> {
    match asked {
        Some(0) => Err(Failure::malformed("limit is 0")),
        Some(asked) => Ok(usize::try_from(asked).unwrap_or(most).min(most)),
        None => Ok(most),
    }
}

/// A page of a list that is ordered by account names.
#[derive(Deserialize)]
pub struct ListPage {
    /// The last name of the page before.
    after: Option<Account>,
    limit: Option<u64>,
}

impl ListPage {
    /// # Errors
    /// 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let page: Self = object(args)?;
        page_size(page.limit, LIST_PAGE)?;
        Ok(page)
    }

    /// Reads the page of the caller's list, and the name after which the next one begins, if there is one.
    ///
    /// # Errors
    /// If the list cannot be read now.
    pub async fn read(self, context: &Context, kind: RelationKind) -> Result<(Vec<Listed>, Option<Account>), Failure> {
        let limit = page_size(self.limit, LIST_PAGE)?;
        let query = move |mailbox: &Mailbox<'_>, account: &Account| {
            mailbox.listed(account, kind, self.after.as_ref(), limit + 1)
        };
        let mut list = context.read(query).await?;
        let more = list.len() > limit;
        list.truncate(limit);
        let next = list.last().filter(|_| more).map(|last| last.peer.clone());
        Ok((list, next))
    }
}

/// Accounts in a page of the blacklist or of the friend list.
const LIST_PAGE: usize = 100;
