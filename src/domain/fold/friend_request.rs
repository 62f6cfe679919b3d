use duolog_topics::{Account, FriendAction, FriendChanged, FriendGroupChanged, ProfileItem, RegisterStamp, TagValue};

use super::step::Step;
use crate::domain::judge;
use crate::domain::rows::{AccountRow, FriendGroupsRow, RelationKind, RelationRow, RowsError, get, set_item};
use crate::domain::verdict::{Answer, Verdict};
use crate::error::Code;

/// Whom a user lets add him; without it, anybody may.
const ALLOW_TYPE: &str = "Tag_Profile_IM_AllowType";
const NEED_CONFIRM: &str = "AllowType_Type_NeedConfirm";
const DENY_ANY: &str = "AllowType_Type_DenyAny";
/// Who may not ask others.
const ADMIN_FORBID_TYPE: &str = "Tag_Profile_IM_AdminForbidType";
const SEND_OUT: &str = "AdminForbid_Type_SendOut";
/// Groups of friends that one account may have.
const GROUP_LIMIT: usize = 32;

impl Step<'_, '_> {
    /// An addition that the peer has to confirm becomes a request; one that he denies is refused. A peer who lives
    /// elsewhere was asked by whoever made the event.
    pub fn what_the_peer_allows(&self, event: &FriendChanged) -> Result<Result<FriendChanged, Code>, RowsError> {
        let asks = matches!(event.action, FriendAction::Add | FriendAction::Request);
        if !asks || event.forced {
            return Ok(Ok(event.clone()));
        }
        if self.profile_says(&event.owner, ADMIN_FORBID_TYPE)?.is_some_and(|word| word == SEND_OUT) {
            return Ok(Err(Code::FRIEND_ADDING_BARRED));
        }
        if !self.is_home_of(&event.peer) {
            return Ok(Ok(event.clone()));
        }
        if self.mailbox().lists(&event.owner, RelationKind::Friend, &event.peer)? {
            return Ok(Ok(FriendChanged { action: FriendAction::Add, ..event.clone() }));
        }
        Ok(match self.profile_says(&event.peer, ALLOW_TYPE)?.as_deref() {
            Some(DENY_ANY) => Err(Code::PEER_DENIES_FRIENDS),
            Some(NEED_CONFIRM) => Ok(FriendChanged { action: FriendAction::Request, ..event.clone() }),
            _ => Ok(FriendChanged { action: FriendAction::Add, ..event.clone() }),
        })
    }

    fn profile_says(&self, account: &Account, tag: &str) -> Result<Option<String>, RowsError> {
        let profile = self.mailbox().profile(account)?;
        let item = profile.items.iter().find(|item| item.tag == tag).map(ProfileItem::from);
        Ok(item.and_then(|item| match item.value {
            TagValue::Text(text) => Some(text),
            TagValue::Number(_) => None,
        }))
    }

    /// Why a peer who lives here has no room for the change.
    pub fn peer_is_full(&self, event: &FriendChanged) -> Result<Option<Code>, RowsError> {
        judge::no_room(&self.mailbox(), &event.peer, &event.owner, event.action, event.both)
    }

    /// The asking side keeps nothing: the request waits with the peer.
    pub fn request_friend(&mut self, event: &FriendChanged, row: &AccountRow) -> Result<Result<(), Code>, RowsError> {
        let here = self.is_home_of(&event.peer);
        judge::friend(&self.mailbox(), row, &event.owner, &event.peer, here)
    }

    /// A change as the peer's side hears of it: of an acceptance, with what he said when he asked, before that is gone.
    pub fn told_to_the_peer(&self, event: &FriendChanged) -> Result<FriendChanged, RowsError> {
        if event.action != FriendAction::Accept {
            return Ok(event.clone());
        }
        let asked = self.mailbox().relation(&event.owner, RelationKind::Pending, &event.peer)?.unwrap_or_default();
        Ok(FriendChanged {
            remark: asked.remark,
            groups: Some(asked.groups).filter(|groups| !groups.is_empty()),
            source: asked.source,
            wording: asked.wording,
            custom: Some(asked.custom.iter().map(ProfileItem::from).collect()),
            ..event.clone()
        })
    }

    /// The asked side.
    pub fn requested_by(&mut self, event: &FriendChanged, stamp: RegisterStamp) -> Result<(), RowsError> {
        let (account, asking) = (&event.peer, &event.owner);
        let Some(mut owner) = self.mailbox().account(account)? else {
            return Ok(());
        };
        if self.mailbox().lists(account, RelationKind::Block, asking)? || self.peer_is_full(event)?.is_some() {
            return Ok(());
        }
        if self.set_relation(account, RelationKind::Pending, asking, true, stamp)? {
            owner.pending += 1;
            self.put_account(account, owner);
        }
        let held = self.mailbox().relation(account, RelationKind::Pending, asking)?;
        if let Some(mut row) = held.filter(|row| row.stamp == stamp) {
            row.wording = event.wording.clone();
            row.source = event.source.clone();
            row.remark = event.remark.clone();
            row.groups = event.groups.clone().unwrap_or_default();
            event.custom.iter().flatten().for_each(|item| set_item(&mut row.custom, item.into()));
            self.put(RelationRow::key(account, RelationKind::Pending, asking), &row);
        }
        Ok(())
    }

    /// The asked side answers: accepted, each lists the other.
    pub fn answer_request(
        &mut self,
        event: &FriendChanged,
        row: &mut AccountRow,
        stamp: RegisterStamp,
    ) -> Result<Result<(), Code>, RowsError> {
        let (owner, peer) = (&event.owner, &event.peer);
        if !self.mailbox().lists(owner, RelationKind::Pending, peer)? {
            return Ok(Err(Code::FRIEND_REQUEST_UNKNOWN));
        }
        if event.action == FriendAction::Accept {
            if let Err(code) = judge::friend(&self.mailbox(), row, owner, peer, self.is_home_of(peer))? {
                return Ok(Err(code));
            }
            self.list_friend(owner, row, peer, event, stamp)?;
            self.set_relation(owner, RelationKind::FriendOf, peer, true, stamp)?;
        }
        if self.set_relation(owner, RelationKind::Pending, peer, false, stamp)? {
            row.pending = row.pending.saturating_sub(1);
        }
        Ok(Ok(()))
    }

    /// Makes or removes groups. Friends keep the name of a removed one; readers show the groups that exist.
    pub fn friend_group_changed(&mut self, event: &FriendGroupChanged) -> Result<Verdict, RowsError> {
        let account = self.envelope.account.clone();
        let Some(mut owner) = self.mailbox().account(&account)? else {
            return Ok(Verdict::Refused(Code::RELATION_ACCOUNT_UNKNOWN.into()));
        };
        let key = FriendGroupsRow::key(&account);
        let mut row: FriendGroupsRow = get(self.rows(), key.as_slice())?.unwrap_or_default();
        row.groups.retain(|group| event.added || !event.groups.contains(group));
        for group in event.groups.iter().filter(|_| event.added) {
            if !row.groups.contains(group) {
                row.groups.push(group.clone());
            }
        }
        if row.groups.len() > GROUP_LIMIT {
            return Ok(Verdict::Refused(Code::FRIEND_GROUPS_FULL.into()));
        }
        self.put(key, &row);
        owner.friends_revision += 1;
        self.put_account(&account, owner);
        Ok(Verdict::Applied(Answer::Done))
    }
}
