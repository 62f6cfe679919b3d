use duolog_topics::{Account, RegisterStamp};

use super::step::Step;
use crate::domain::rows::{Outcome, RelationKind, RelationRow, RowsError};

impl Step<'_, '_> {
    /// When and where a relation's change was decided: where a carried record says, or here. Here it is later than
    /// whatever this home holds of the pair, though that may stand under the clock of the other home.
    pub fn decided(
        &self,
        carried: Option<RegisterStamp>,
        account: &Account,
        peers: &[Account],
    ) -> Result<RegisterStamp, RowsError> {
        if let Some(stamp) = carried.filter(|_| self.carried()) {
            return Ok(stamp);
        }
        let (partition, offset) = (self.at.partition, self.at.offset);
        let mut here = RegisterStamp { time: self.meta().time, partition, offset };
        for peer in peers.iter().filter(|peer| !self.is_home_of(peer)) {
            for kind in RelationKind::ALL {
                let held = self.mailbox().relation(account, kind, peer)?;
                if let Some(row) = held.filter(|row| row.stamp >= here) {
                    here.time = row.stamp.time + 1;
                }
            }
        }
        Ok(here)
    }

    /// Sets a register if the change is newer than what it holds; whether that listed or unlisted the peer. A removal
    /// leaves its stamp even where nothing was listed, if an older addition may still be on its way from the peer's home.
    pub fn set_relation(
        &mut self,
        account: &Account,
        kind: RelationKind,
        peer: &Account,
        listed: bool,
        stamp: RegisterStamp,
    ) -> Result<bool, RowsError> {
        let before = self.mailbox().relation(account, kind, peer)?;
        if before.as_ref().is_some_and(|row| row.stamp >= stamp)
            || (before.is_none() && !listed && self.is_home_of(peer))
        {
            return Ok(false);
        }
        let was = before.as_ref().is_some_and(|row| row.listed);
        let row = match before {
            Some(row) if row.listed && listed => RelationRow { stamp, ..row },
            _ if listed => RelationRow { stamp, listed, added: stamp.time, ..RelationRow::default() },
            _ => RelationRow { stamp, ..RelationRow::default() },
        };
        self.put(RelationRow::key(account, kind, peer), &row);
        Ok(was != listed)
    }

    /// Keeps for consumers which relations a record began or ended, if any.
    pub fn keep_related(&mut self, added: bool, pairs: Vec<(Account, Account)>) {
        if !pairs.is_empty() {
            self.keep(Outcome::Related { added, pairs });
        }
    }
}
