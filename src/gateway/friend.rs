//! Friends and blacklist: what may be noted of a friend, and the records that change relations. Both protocols ask here.

use std::collections::HashMap;

use duolog_topics::{Account, BlacklistChanged, FriendAction, FriendChanged, Via};

use super::known::Known;
use crate::domain::verdict::Answer;
use crate::engine::{Engine, EngineError};
use crate::error::Code;

/// The longest texts that are noted of a friend, in bytes, as in the API that ours follows.
pub const REMARK_BYTES: usize = 96;
pub const WORDING_BYTES: usize = 256;
/// The longest name of a group, in bytes; the shortest has one.
pub const GROUP_BYTES: usize = 30;
/// Groups that one friend may be in, and that one request may name.
pub const GROUPS: usize = 32;

/// What every source begins with; 1 to [`SOURCE_BYTES`] follow.
const SOURCE_PREFIX: &str = "AddSource_Type_";
const SOURCE_BYTES: usize = 8;

/// Why something cannot be noted of a friend: the public code, and a sentence for whoever debugs the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfit {
    pub code: Code,
    pub text: String,
}

impl Unfit {
    fn new(text: String) -> Self {
        Self { code: Code::RELATION_PARAMETER_INVALID, text }
    }
}

/// Checks what the owner calls a friend; an empty text takes the remark away.
///
/// # Errors
/// 30001 if it is too long.
pub fn check_remark(remark: &str) -> Result<(), Unfit> {
    at_most("a remark", remark, REMARK_BYTES)
}

/// Checks what the owner says with a request.
///
/// # Errors
/// 30001 if it is too long.
pub fn check_wording(wording: &str) -> Result<(), Unfit> {
    at_most("a wording", wording, WORDING_BYTES)
}

fn at_most(what: &str, text: &str, bytes: usize) -> Result<(), Unfit> {
    if text.len() <= bytes { Ok(()) } else { Err(Unfit::new(format!("{what} has at most {bytes} bytes"))) }
}

/// Checks where the owner found a friend, in a text of any form, as clients say it.
///
/// # Errors
/// 30001 if it is longer than one of the server API.
pub fn check_free_source(source: &str) -> Result<(), Unfit> {
    at_most("a source", source, SOURCE_PREFIX.len() + SOURCE_BYTES)
}

/// Checks where the owner found a friend, in the form of the server API.
///
/// # Errors
/// 30001 if it is none.
pub fn check_source(source: &str) -> Result<(), Unfit> {
    let name = source.strip_prefix(SOURCE_PREFIX).unwrap_or_default();
    if (1..=SOURCE_BYTES).contains(&name.len()) {
        Ok(())
    } else {
        Err(Unfit::new(format!("a source is {SOURCE_PREFIX} and 1 to {SOURCE_BYTES} letters")))
    }
}

/// Checks names of groups, however many.
///
/// # Errors
/// 30001 if one of them is none.
pub fn check_group_names(groups: &[String]) -> Result<(), Unfit> {
    let fits = |group: &String| (1..=GROUP_BYTES).contains(&group.len());
    if groups.iter().all(fits) {
        Ok(())
    } else {
        Err(Unfit::new(format!("a group's name has 1 to {GROUP_BYTES} bytes")))
    }
}

/// Checks the groups that a friend is to be in.
///
/// # Errors
/// 30011 for too many, 30001 for a name that is none.
pub fn check_groups(groups: &[String]) -> Result<(), Unfit> {
    if groups.len() > GROUPS {
        return Err(Unfit { code: Code::FRIEND_GROUPS_FULL, text: format!("a friend is in at most {GROUPS} groups") });
    }
    check_group_names(groups)
}

/// A change of a friendship in the owner's list alone, with nothing noted; callers set what else it is.
pub fn changed(owner: &Account, peer: Account, action: FriendAction, via: Option<Via>) -> FriendChanged {
    FriendChanged {
        owner: owner.clone(),
        peer,
        action,
        both: false,
        forced: false,
        remark: None,
        groups: None,
        source: None,
        wording: None,
        custom: None,
        decided: None,
        via,
    }
}

/// A change of the owner's blacklist, each account once; `None` if it concerns nobody. Whoever is blocked must exist.
///
/// # Errors
/// If rows cannot be read.
pub async fn blacklist_changed(
    engine: &Engine,
    known: &Known,
    owner: &Account,
    mut peers: Vec<Account>,
    blocked: bool,
    via: Option<Via>,
) -> Result<Option<BlacklistChanged>, EngineError> {
    peers.sort();
    peers.dedup();
    if blocked {
        let existing = known.existing(engine, &peers).await?;
        peers.retain(|peer| existing.contains(peer));
    }
    let owner = owner.clone();
    Ok((!peers.is_empty()).then_some(BlacklistChanged { owner, peers, blocked, decided: None, via }))
}

/// What became of an account in a change of the blacklist, by the answer to it; there is none if it concerned nobody.
pub fn blacklist_result(answer: Option<Answer>) -> impl Fn(&Account) -> Result<(), Code> {
    let results: HashMap<_, _> = match answer {
        Some(Answer::Results(results)) => results.into_iter().collect(),
        _ => HashMap::new(),
    };
    move |account: &Account| results.get(account).copied().unwrap_or(Err(Code::RELATION_ACCOUNT_UNKNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(checked: Result<(), Unfit>) -> u32 {
        checked.map_or_else(|unfit| unfit.code.number(), |()| 0)
    }

    #[test]
    fn texts_are_not_too_long() {
        assert_eq!((code(check_remark("")), code(check_remark(&"r".repeat(96)))), (0, 0));
        assert_eq!(code(check_remark(&"r".repeat(97))), 30001);
        assert_eq!((code(check_wording(&"w".repeat(256))), code(check_wording(&"w".repeat(257)))), (0, 30001));
    }

    #[test]
    fn a_source_has_its_prefix_and_a_name() {
        for (source, expected) in [
            ("AddSource_Type_web", 0),
            ("AddSource_Type_12345678", 0),
            ("AddSource_Type_123456789", 30001),
            ("AddSource_Type_", 30001),
            ("web", 30001),
            ("", 30001),
        ] {
            assert_eq!(code(check_source(source)), expected, "{source}");
            assert_eq!(code(check_free_source(source)), if source.len() > 23 { 30001 } else { 0 }, "{source}");
        }
    }

    #[test]
    fn groups_have_names_and_are_not_too_many() {
        let groups = |count: usize, name: &str| vec![name.to_owned(); count];
        for (groups, expected) in [
            (groups(0, ""), 0),
            (groups(32, "g"), 0),
            (groups(33, "g"), 30011),
            (groups(1, ""), 30001),
            (groups(1, &"g".repeat(30)), 0),
            (groups(1, &"g".repeat(31)), 30001),
        ] {
            assert_eq!(code(check_groups(&groups)), expected, "{groups:?}");
        }
        assert_eq!(code(check_group_names(&groups(33, "g"))), 0);
    }

    #[test]
    fn whoever_is_not_in_the_answer_is_unknown() {
        let [alice, bob] = ["alice", "bob"].map(|name| Account::new(name).unwrap());
        let of = blacklist_result(Some(Answer::Results(vec![(alice.clone(), Ok(()))])));
        assert_eq!((of(&alice), of(&bob)), (Ok(()), Err(Code::RELATION_ACCOUNT_UNKNOWN)));
        assert_eq!(blacklist_result(None)(&alice), Err(Code::RELATION_ACCOUNT_UNKNOWN));
    }
}
