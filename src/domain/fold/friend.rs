use duolog_topics::{Account, Event, FriendAction, FriendChanged, RegisterStamp};

use super::step::Step;
use crate::domain::judge;
use crate::domain::rows::{AccountRow, Change, Hot, RelationKind, RelationRow, RowsError, set_item};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;

impl Step<'_, '_> {
    /// A change of one direction of a friendship, or of both; carried to the other side, which keeps the mirror.
    pub fn friend_changed(&mut self, event: &FriendChanged) -> Result<Verdict, RowsError> {
        let stamp = self.decided(event.decided, &event.owner, std::slice::from_ref(&event.peer))?;
        let before = self.friendship(event)?;
        if self.carried() {
            if self.is_home_of(&event.owner) {
                self.turned_away(event, stamp)?;
                self.keep_friendship(event, before)?;
            } else {
                self.friend_of(event, stamp)?;
            }
            return Ok(Verdict::Applied(Answer::Done));
        }
        let Some(mut row) = self.mailbox().account(&event.owner)? else {
            return Ok(Verdict::Refused(Code::RELATION_ACCOUNT_UNKNOWN.into()));
        };
        let asked = match self.what_the_peer_allows(event)? {
            Ok(asked) => asked,
            Err(code) => return Ok(Verdict::Refused(code.into())),
        };
        let event = &asked;
        if self.is_home_of(&event.peer)
            && let Some(code) = self.peer_is_full(event)?
        {
            return Ok(Verdict::Refused(code.into()));
        }
        let told = self.told_to_the_peer(event)?;
        if let Err(code) = self.friend_here(event, &mut row, stamp)? {
            return Ok(Verdict::Refused(code.into()));
        }
        self.put_account(&event.owner, row);
        if self.is_home_of(&event.peer) {
            self.friend_of(&told, stamp)?;
        } else {
            let carried = FriendChanged { decided: Some(stamp), ..told };
            self.carry(&event.peer, &Event::FriendChanged(carried))?;
        }
        self.keep_friendship(event, before)?;
        let pending = event.action == FriendAction::Request;
        Ok(Verdict::Applied(if pending { Answer::Pending } else { Answer::Done }))
    }

    /// Who of the two lists the other, as the owner's home knows it.
    fn friendship(&self, event: &FriendChanged) -> Result<(bool, bool), RowsError> {
        let mailbox = self.mailbox();
        let lists = |kind| mailbox.lists(&event.owner, kind, &event.peer);
        Ok((lists(RelationKind::Friend)?, lists(RelationKind::FriendOf)?))
    }

    /// Keeps for consumers what a record changed about it.
    fn keep_friendship(&mut self, event: &FriendChanged, before: (bool, bool)) -> Result<(), RowsError> {
        let after = self.friendship(event)?;
        let mut pairs = Vec::new();
        if before.0 != after.0 {
            pairs.push((event.owner.clone(), event.peer.clone()));
        }
        if before.1 != after.1 {
            pairs.push((event.peer.clone(), event.owner.clone()));
        }
        self.keep_related(after.0 && !before.0 || after.1 && !before.1, pairs);
        Ok(())
    }

    /// The owner's side.
    fn friend_here(
        &mut self,
        event: &FriendChanged,
        row: &mut AccountRow,
        stamp: RegisterStamp,
    ) -> Result<Result<(), Code>, RowsError> {
        let (owner, peer) = (&event.owner, &event.peer);
        let listed = self.mailbox().lists(owner, RelationKind::Friend, peer)?;
        match event.action {
            FriendAction::Request => return self.request_friend(event, row),
            FriendAction::Accept | FriendAction::Refuse => return self.answer_request(event, row, stamp),
            FriendAction::Add => {
                let here = self.is_home_of(peer);
                if let Err(code) = judge::friend(&self.mailbox(), row, owner, peer, here)? {
                    return Ok(Err(code));
                }
                self.list_friend(owner, row, peer, event, stamp)?;
                if event.both {
                    self.set_relation(owner, RelationKind::FriendOf, peer, true, stamp)?;
                }
            }
            FriendAction::Remove
                if !(listed || event.both && self.mailbox().lists(owner, RelationKind::FriendOf, peer)?) =>
            {
                return Ok(Err(Code::NOT_A_FRIEND));
            }
            FriendAction::Remove => {
                self.unlist_friend(owner, row, peer, stamp)?;
                if event.both {
                    self.set_relation(owner, RelationKind::FriendOf, peer, false, stamp)?;
                }
            }
            FriendAction::Update if !listed => return Ok(Err(Code::NOT_A_FRIEND)),
            FriendAction::Update => self.list_friend(owner, row, peer, event, stamp)?,
        }
        Ok(Ok(()))
    }

    /// The peer's side: the mirror, and his own list if the change is for both.
    fn friend_of(&mut self, event: &FriendChanged, stamp: RegisterStamp) -> Result<(), RowsError> {
        let (account, owner) = (&event.peer, &event.owner);
        let listed = match event.action {
            FriendAction::Add | FriendAction::Accept | FriendAction::Update => true,
            FriendAction::Remove => false,
            FriendAction::Request => return self.requested_by(event, stamp),
            FriendAction::Refuse => return Ok(()),
        };
        let known = self.mailbox().account(account)?;
        let blocks = self.mailbox().lists(account, RelationKind::Block, owner)?;
        if listed && self.carried() && (known.is_none() || blocks || self.peer_is_full(event)?.is_some()) {
            return self.turn_away(event, known, stamp);
        }
        let Some(mut row) = known else {
            return Ok(());
        };
        self.set_relation(account, RelationKind::FriendOf, owner, listed, stamp)?;
        if event.action == FriendAction::Accept || event.both && event.action != FriendAction::Update {
            let mut theirs = event.clone();
            if event.action != FriendAction::Accept {
                (theirs.remark, theirs.groups, theirs.custom) = (None, None, None);
            }
            match listed {
                true => self.list_friend(account, &mut row, owner, &theirs, stamp)?,
                false => self.unlist_friend(account, &mut row, owner, stamp)?,
            }
            self.put_account(account, row);
        }
        Ok(())
    }

    /// An addition that was decided before its home knew of a block, or of the end of the account, is carried back as a
    /// removal that is a little newer: so a block wins over any friend change, and both homes end equal.
    fn turn_away(
        &mut self,
        event: &FriendChanged,
        known: Option<Hot<AccountRow>>,
        stamp: RegisterStamp,
    ) -> Result<(), RowsError> {
        let removed = RegisterStamp { time: stamp.time + 1, ..stamp };
        if let Some(mut row) = known {
            self.end_friendship(&event.peer, &mut row, &event.owner, removed)?;
            self.put_account(&event.peer, row);
        }
        let back = FriendChanged {
            action: FriendAction::Remove,
            both: true,
            remark: None,
            groups: None,
            source: None,
            wording: None,
            custom: None,
            decided: Some(removed),
            ..event.clone()
        };
        self.carry(&event.owner, &Event::FriendChanged(back))
    }

    /// The owner's side of an addition that was turned away.
    fn turned_away(&mut self, event: &FriendChanged, stamp: RegisterStamp) -> Result<(), RowsError> {
        if let Some(mut row) = self.mailbox().account(&event.owner)? {
            self.end_friendship(&event.owner, &mut row, &event.peer, stamp)?;
            self.put_account(&event.owner, row);
        }
        Ok(())
    }

    pub fn list_friend(
        &mut self,
        account: &Account,
        row: &mut AccountRow,
        peer: &Account,
        event: &FriendChanged,
        stamp: RegisterStamp,
    ) -> Result<(), RowsError> {
        if self.set_relation(account, RelationKind::Friend, peer, true, stamp)? {
            row.friends += 1;
        }
        let held = self.mailbox().relation(account, RelationKind::Friend, peer)?;
        let Some(mut relation) = held.filter(|row| row.stamp == stamp) else {
            return Ok(());
        };
        relation.remark = event.remark.clone().or(relation.remark);
        relation.groups = event.groups.clone().unwrap_or(relation.groups);
        relation.source = event.source.clone().or(relation.source);
        relation.wording = event.wording.clone().or(relation.wording);
        event.custom.iter().flatten().for_each(|item| set_item(&mut relation.custom, item.into()));
        self.put(RelationRow::key(account, RelationKind::Friend, peer), &relation);
        row.friends_revision += 1;
        let (remark, groups) = (relation.remark, Some(relation.groups));
        let change = Change::Relation { block: false, peer: peer.clone(), added: true, remark, groups };
        self.add_change(account, row, change)?;
        Ok(())
    }

    fn unlist_friend(
        &mut self,
        account: &Account,
        row: &mut AccountRow,
        peer: &Account,
        stamp: RegisterStamp,
    ) -> Result<(), RowsError> {
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
