//! Blacklist and friends.

pub mod black_list_add;
pub mod black_list_check;
pub mod black_list_delete;
pub mod black_list_get;
pub mod friend_add;
pub mod friend_check;
pub mod friend_delete;
pub mod friend_delete_all;
pub mod friend_get;
pub mod friend_get_list;
pub mod friend_import;
pub mod friend_update;
pub mod group_add;
pub mod group_delete;
pub mod group_get;

mod friends;
mod groups;
mod tags;

use duolog_topics::Account;

use super::context::Context;
use super::error::ApiError;
use super::fields::Fields;
use super::results::Results;
use crate::error::Code;
use crate::gateway::friend::{blacklist_changed, blacklist_result};

/// Accounts that one call may name.
const BATCH: usize = 1_000;

const INVALID: Code = Code::RELATION_PARAMETER_INVALID;

/// Whose relations, and with whom: `From_Account` and `To_Account` of most commands.
#[derive(Debug)]
pub struct Accounts {
    from: Account,
    to: Vec<String>,
}

impl Accounts {
    fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        Ok(Self { from: fields.account("From_Account")?, to: fields.names("To_Account", BATCH, INVALID)? })
    }

    /// The names that accounts may have, none twice.
    fn well_formed(&self) -> Vec<Account> {
        let mut accounts: Vec<Account> = self.to.iter().filter_map(|name| Account::new(name).ok()).collect();
        accounts.sort();
        accounts.dedup();
        accounts
    }
}

/// What was asked: one direction or both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Directions {
    Single,
    Both,
}

/// A member whose value is `<prefix>Single` or `<prefix>Both`; `absent` if it is not there.
fn directions(
    fields: Fields<'_, '_>,
    name: &str,
    prefix: &str,
    absent: Option<Directions>,
) -> Result<Directions, ApiError> {
    let value = fields.get::<String>(name)?.filter(|value| !value.is_empty());
    let Some(value) = value else {
        return absent.ok_or_else(|| fields.error(format!("{name} is missing")));
    };
    match value.strip_prefix(prefix) {
        Some("Single") => Ok(Directions::Single),
        Some("Both") => Ok(Directions::Both),
        _ => Err(fields.error(format!("{name} is neither {prefix}Single nor {prefix}Both"))),
    }
}

/// Blocks or unblocks. Whoever is blocked must exist; a name that no account may have is unknown.
async fn change_blacklist(context: &Context<'_>, request: Accounts, blocked: bool) -> Result<Results, ApiError> {
    let peers = request.well_formed();
    let Accounts { from: owner, to } = request;
    let (engine, known) = (context.engine(), &context.shared().known);
    let answer = match blacklist_changed(engine, known, &owner, peers, blocked, context.via()).await? {
        Some(event) => Some(context.submit(&owner, event).await?),
        None => {
            context.must_exist(&owner, Code::RELATION_ACCOUNT_UNKNOWN).await?;
            None
        }
    };
    let of = blacklist_result(answer);
    let result = |name: &String| Account::new(name).map_or(Err(Code::RELATION_ACCOUNT_UNKNOWN), |peer| of(&peer));
    Ok(to.into_iter().map(|name| (name.clone(), result(&name))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::http::fields::Object;

    #[test]
    fn a_batch_names_1_to_1000_accounts() {
        let parse = |to: &str| {
            let json = format!(r#"{{"From_Account":"a","To_Account":{to}}}"#);
            let object = Object::parse(&json).unwrap();
            Accounts::parse(object.fields(INVALID)).map_err(|error| error.code.number())
        };
        let of = |count: usize| format!("[{}]", vec![r#""b""#; count].join(","));
        let accounts = parse(&of(1_000)).unwrap();
        assert_eq!((accounts.to.len(), accounts.well_formed().len()), (1_000, 1));
        for to in [&of(1_001), "[]", "null", "\"b\"", "[1]"] {
            assert_eq!(parse(to).unwrap_err(), 30001);
        }
    }

    #[test]
    fn directions_have_a_prefix_and_a_default() {
        let parse = |json: &str, absent| {
            let object = Object::parse(json).unwrap();
            directions(object.fields(INVALID), "T", "Delete_Type_", absent).map_err(|error| error.code.number())
        };
        assert_eq!(parse(r#"{"T":"Delete_Type_Both"}"#, None), Ok(Directions::Both));
        assert_eq!(parse(r#"{"T":"Delete_Type_Single"}"#, None), Ok(Directions::Single));
        assert_eq!(parse("{}", Some(Directions::Single)), Ok(Directions::Single));
        for json in ["{}", r#"{"T":"Both"}"#, r#"{"T":"Delete_Type_"}"#, r#"{"T":1}"#] {
            assert_eq!(parse(json, None), Err(30001), "{json}");
        }
    }
}
