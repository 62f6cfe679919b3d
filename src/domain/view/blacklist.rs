use std::ops::{Bound, ControlFlow};

use duolog_topics::{Account, Millis};

use super::Mailbox;
use crate::domain::rows::{Direction, KeyRange, RelationKind, RelationRow, Row, RowsError};

/// An account on a list of another one.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed {
    pub peer: Account,
    pub added: Millis,
    pub row: RelationRow,
}

impl Mailbox<'_> {
    /// A list of an account in the order of names, from after a name on.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn listed(
        &self,
        account: &Account,
        kind: RelationKind,
        after: Option<&Account>,
        limit: usize,
    ) -> Result<Vec<Listed>, RowsError> {
        let prefix = RelationRow::prefix(account, kind);
        let end = prefix.end_of_prefix();
        let from = after.map_or(prefix.clone(), |peer| RelationRow::key(account, kind, peer)).into_bytes();
        let range = KeyRange {
            from: if after.is_some() { Bound::Excluded(&from) } else { Bound::Included(&from) },
            until: Bound::Excluded(&end),
        };
        let mut found = Vec::new();
        self.walk_range(range, Direction::Forward, |key, value| {
            if found.len() == limit {
                return Ok(ControlFlow::Break(()));
            }
            let row = RelationRow::decode(value)?;
            if row.listed {
                found.push(Listed { peer: RelationRow::peer(key)?, added: row.added, row });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }
}
