use std::collections::BTreeMap;

use duolog_topics::{Account, BlacklistChanged, Event, RegisterStamp};

use super::step::Step;
use crate::domain::judge;
use crate::domain::rows::{AccountRow, Change, RelationKind, RowsError};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;

impl Step<'_, '_> {
    /// Stands in the owner's home and is carried to those that he blocks, because a block ends the friendship both ways.
    pub fn blacklist_changed(&mut self, event: &BlacklistChanged) -> Result<Verdict, RowsError> {
        let stamp = self.decided(event.decided, &event.owner, &event.peers)?;
        if self.carried() {
            for peer in &event.peers {
                self.blocked_by(peer, &event.owner, event.blocked, stamp)?;
            }
            return Ok(Verdict::Applied(Answer::Done));
        }
        if !self.mailbox().exists(&event.owner)? {
            return Ok(Verdict::Refused(Code::RELATION_ACCOUNT_UNKNOWN.into()));
        }
        let mut results = Vec::with_capacity(event.peers.len());
        let mut elsewhere: BTreeMap<u32, Vec<Account>> = BTreeMap::new();
        let mut pairs = Vec::new();
        for peer in &event.peers {
            let listed = self.mailbox().lists(&event.owner, RelationKind::Block, peer)?;
            let result = self.block_one(&event.owner, peer, event.blocked, stamp)?;
            if result.is_ok() && listed != event.blocked {
                pairs.push((event.owner.clone(), peer.clone()));
            }
            if result.is_ok() && self.is_home_of(peer) {
                self.blocked_by(peer, &event.owner, event.blocked, stamp)?;
            } else if result.is_ok() {
                elsewhere.entry(self.home_of(peer)).or_default().push(peer.clone());
            }
            results.push((peer.clone(), result));
        }
        for peers in elsewhere.into_values() {
            let first = peers[0].clone();
            let carried = BlacklistChanged { peers, decided: Some(stamp), ..event.clone() };
            self.carry(&first, &Event::BlacklistChanged(carried))?;
        }
        self.keep_related(event.blocked, pairs);
        Ok(Verdict::Applied(Answer::Results(results)))
    }

    /// The owner's side: his blacklist, his friend list, his devices.
    fn block_one(
        &mut self,
        owner: &Account,
        peer: &Account,
        blocked: bool,
        stamp: RegisterStamp,
    ) -> Result<Result<(), Code>, RowsError> {
        let Some(mut row) = self.mailbox().account(owner)? else {
            return Ok(Err(Code::RELATION_ACCOUNT_UNKNOWN));
        };
        if blocked && let Err(code) = judge::block(&self.mailbox(), &row, owner, peer, self.is_home_of(peer))? {
            return Ok(Err(code));
        }
        if self.set_relation(owner, RelationKind::Block, peer, blocked, stamp)? {
            row.blocked = if blocked { row.blocked + 1 } else { row.blocked.saturating_sub(1) };
            row.blacklist_revision += 1;
            let (remark, groups) = (None, None);
            let change = Change::Relation { block: true, peer: peer.clone(), added: blocked, remark, groups };
            self.add_change(owner, &mut row, change)?;
        }
        if blocked {
            self.end_friendship(owner, &mut row, peer, stamp)?;
        }
        self.put_account(owner, row);
        Ok(Ok(()))
    }

    /// The other side of a block. Whoever was blocked sees at most that a friendship ended.
    pub fn blocked_by(
        &mut self,
        account: &Account,
        by: &Account,
        blocked: bool,
        stamp: RegisterStamp,
    ) -> Result<(), RowsError> {
        let Some(mut row) = self.mailbox().account_row(account)? else {
            return Ok(());
        };
        self.set_relation(account, RelationKind::BlockedBy, by, blocked, stamp)?;
        if blocked && row.exists {
            self.end_friendship(account, &mut row, by, stamp)?;
            self.put_account(account, row);
        }
        Ok(())
    }

    /// Takes both directions of a friendship out of one home.
    pub fn end_friendship(
        &mut self,
        account: &Account,
        row: &mut AccountRow,
        peer: &Account,
        stamp: RegisterStamp,
    ) -> Result<(), RowsError> {
        self.set_relation(account, RelationKind::FriendOf, peer, false, stamp)?;
        if self.set_relation(account, RelationKind::Pending, peer, false, stamp)? {
            row.pending = row.pending.saturating_sub(1);
        }
        if self.set_relation(account, RelationKind::Friend, peer, false, stamp)? {
            row.friends = row.friends.saturating_sub(1);
            row.friends_revision += 1;
            let (remark, groups) = (None, None);
            let change = Change::Relation { block: false, peer: peer.clone(), added: false, remark, groups };
            self.add_change(account, row, change)?;
        }
        Ok(())
    }
}
