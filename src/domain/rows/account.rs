use duolog_topics::{Account, Millis};
use serde::{Deserialize, Serialize};

use super::{Cell, Hot, HotRow, Key, Row, RowsError, Table};

/// `accounts`: (account) -> what a mailbox counts.
///
/// The row stays when the account is deleted, because sequences never go back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AccountRow {
    pub exists: bool,
    /// Deleted, but not all of its rows are gone yet.
    pub clearing: bool,
    /// Id of the `account.imported` that made it; with the partition's `restored` count it names the timeline.
    pub timeline_id: [u8; 16],
    /// The last sequence given out.
    pub sequence: u64,
    /// The sequence of the last timeline entry, and how many entries there ever were.
    pub last_entry: u64,
    pub entries: u64,
    /// The inbox floor: the highest cursor of any device.
    pub floor: u64,
    pub unread_total: u64,
    pub recents: u32,
    /// No conversation among the recent contacts has a lower record time: below it none has expired.
    pub recents_from: Millis,
    /// Message time of the last message that left no copy here, where it ran ahead of the clock: the next is not earlier.
    pub ahead: Millis,
    pub blocked: u32,
    pub friends: u32,
    /// Unix seconds: signatures made earlier are refused.
    pub not_before: u64,
    pub muted_until: Millis,
    pub group_muted_until: Millis,
    /// Open sessions, in the epoch that they belong to; in another epoch there are none.
    pub online: u32,
    pub online_epoch: u64,
    /// Those of them whose app is not in the background.
    pub foreground: u32,
    /// The last sequence of changes of the friend list and of the blacklist (`StandardSequence`, `CurruentSequence`).
    pub friends_revision: u64,
    pub blacklist_revision: u64,
    /// Friend requests that wait for the account's answer.
    pub pending: u32,
    /// The number of the last push to all that it has taken, or that came before it was made.
    pub broadcasts: u64,
}

impl Row for AccountRow {
    const TABLE: Table = Table::Account;

    fn cell(&self) -> Cell {
        Cell::Account(self.clone().into())
    }

    fn from_cell(cell: &Cell) -> Result<Self, RowsError> {
        match cell {
            Cell::Account(row) => Ok(Self::clone(row)),
            other => Self::decode(&other.bytes()),
        }
    }
}

impl HotRow for AccountRow {
    fn held(row: Hot<Self>) -> Cell {
        Cell::Account(row)
    }

    fn of(cell: Cell) -> Result<Hot<Self>, RowsError> {
        match cell {
            Cell::Account(row) => Ok(row),
            other => Ok(Self::decode(&other.bytes())?.into()),
        }
    }
}

impl AccountRow {
    pub fn key(account: &Account) -> Key {
        Key::of(Table::Account).account(account)
    }

    /// Whether a device is connected, as the log knows it.
    pub fn is_online(&self, epoch: u64) -> bool {
        self.online > 0 && self.online_epoch == epoch
    }

    /// Whether a device is connected whose app is in the foreground: then offline push is not needed.
    pub fn is_attended(&self, epoch: u64) -> bool {
        self.foreground > 0 && self.online_epoch == epoch
    }

    /// Gives out the next sequence.
    pub fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}
