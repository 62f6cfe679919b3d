use duolog_topics::{Account, Millis, RegisterStamp};
use serde::{Deserialize, Serialize};

use super::{Key, KeyReader, Row, RowsError, StoredItem, Table};

/// Which list of an account a relation stands in; each list that others must know has a mirror in the peer's home.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RelationKind {
    /// The account lists the peer as a friend.
    Friend = 1,
    /// The peer lists the account as a friend.
    FriendOf = 2,
    /// The account has blocked the peer.
    Block = 3,
    /// The peer has blocked the account.
    BlockedBy = 4,
    /// The peer asked to be a friend; the account has to answer.
    Pending = 5,
}

impl RelationKind {
    pub const ALL: [Self; 5] = [Self::Friend, Self::FriendOf, Self::Block, Self::BlockedBy, Self::Pending];
}

/// `relations`: (account, kind, peer) -> a register: the change with the highest stamp holds, a removal leaves the stamp.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RelationRow {
    pub stamp: RegisterStamp,
    pub listed: bool,
    /// When it was listed.
    pub added: Millis,
    pub remark: Option<String>,
    pub groups: Vec<String>,
    pub source: Option<String>,
    pub wording: Option<String>,
    /// The app's own fields, in the order of their tags.
    pub custom: Vec<StoredItem>,
}

impl Row for RelationRow {
    const TABLE: Table = Table::Relation;
}

impl RelationRow {
    pub fn key(account: &Account, kind: RelationKind, peer: &Account) -> Key {
        Self::prefix(account, kind).account(peer)
    }

    pub fn prefix(account: &Account, kind: RelationKind) -> Key {
        Key::of(Table::Relation).account(account).byte(kind as u8)
    }

    /// The peer in a key that [`RelationRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn peer(key: &[u8]) -> Result<Account, RowsError> {
        Ok(Self::place(key)?.1)
    }

    /// The list and the peer in a key that [`RelationRow::key`] made.
    ///
    /// # Errors
    /// If the key is none.
    pub fn place(key: &[u8]) -> Result<(RelationKind, Account), RowsError> {
        let mut reader = KeyReader::new(key, Table::Relation)?;
        reader.text()?;
        let [byte] = reader.array()?;
        let kind = RelationKind::ALL.iter().copied().find(|kind| *kind as u8 == byte);
        let kind = kind.ok_or_else(|| RowsError(format!("there is no list {byte} of relations")))?;
        Ok((kind, reader.account()?))
    }
}

/// `friend_groups`: (account) -> the groups that its owner has made, in the order of making.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FriendGroupsRow {
    pub groups: Vec<String>,
}

impl Row for FriendGroupsRow {
    const TABLE: Table = Table::FriendGroups;
}

impl FriendGroupsRow {
    pub fn key(account: &Account) -> Key {
        Key::of(Table::FriendGroups).account(account)
    }
}
