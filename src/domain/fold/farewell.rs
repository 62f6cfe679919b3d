use std::ops::ControlFlow;

use duolog_topics::{Account, BlacklistChanged, Event, FriendAction, FriendChanged, RegisterStamp};

use super::step::Step;
use crate::domain::rows::{Direction, Key, RelationKind, RelationRow, Row, RowsError, Table};

impl Step<'_, '_> {
    /// Ends relations of an account that is deleted, at most `limit`, on both sides; how many. The registers stay, with
    /// the stamps of their removal, and so does what others have blocked: that is theirs.
    pub fn end_relations(&mut self, account: &Account, limit: usize) -> Result<usize, RowsError> {
        let listed = self.listed_relations(account, limit)?;
        for (kind, peer) in &listed {
            // Friends who list each other are ended at once.
            if !self.mailbox().lists(account, *kind, peer)? {
                continue;
            }
            let stamp = self.decided(None, account, std::slice::from_ref(peer))?;
            self.set_relation(account, *kind, peer, false, stamp)?;
            match kind {
                RelationKind::Friend | RelationKind::FriendOf => self.leave_friend(account, peer, stamp)?,
                RelationKind::Block => self.lift_block(account, peer, stamp)?,
                RelationKind::Pending | RelationKind::BlockedBy => {}
            }
        }
        Ok(listed.len())
    }

    fn listed_relations(&self, account: &Account, limit: usize) -> Result<Vec<(RelationKind, Account)>, RowsError> {
        let mut found = Vec::new();
        let prefix = Key::of(Table::Relation).account(account);
        self.mailbox().walk(&prefix, Direction::Forward, |key, value| {
            let place = RelationRow::place(key)?;
            if place.0 != RelationKind::BlockedBy && RelationRow::decode(value)?.listed {
                found.push(place);
            }
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }

    fn leave_friend(&mut self, account: &Account, peer: &Account, stamp: RegisterStamp) -> Result<(), RowsError> {
        self.set_relation(account, RelationKind::Friend, peer, false, stamp)?;
        self.set_relation(account, RelationKind::FriendOf, peer, false, stamp)?;
        if !self.is_home_of(peer) {
            let event = FriendChanged {
                owner: account.clone(),
                peer: peer.clone(),
                action: FriendAction::Remove,
                both: true,
                forced: true,
                remark: None,
                groups: None,
                source: None,
                wording: None,
                custom: None,
                decided: Some(stamp),
                via: None,
            };
            return self.carry(peer, &Event::FriendChanged(event));
        }
        if let Some(mut row) = self.mailbox().account(peer)? {
            self.end_friendship(peer, &mut row, account, stamp)?;
            self.put_account(peer, row);
        }
        Ok(())
    }

    fn lift_block(&mut self, account: &Account, peer: &Account, stamp: RegisterStamp) -> Result<(), RowsError> {
        if self.is_home_of(peer) {
            return self.blocked_by(peer, account, false, stamp);
        }
        let peers = vec![peer.clone()];
        let event = BlacklistChanged { owner: account.clone(), peers, blocked: false, decided: Some(stamp), via: None };
        self.carry(peer, &Event::BlacklistChanged(event))
    }
}
