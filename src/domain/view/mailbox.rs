use std::ops::{Bound, ControlFlow};

use duolog_topics::{Account, Millis};

use crate::domain::rows::{
    AccountRow, ConversationRow, DeviceRow, Direction, Horizon, Hot, IdempotencyRow, Key, KeyRange, MessageRow,
    MetaRow, Pointer, ProfileRow, PushTokenRow, RecentRow, RelationKind, RelationRow, Row, Rows, RowsError, SessionRow,
    Table, TimelineRow, Window, get, get_hot, record_time_of,
};

/// The mailboxes of one partition as a reader may see them: rows below a horizon are absent here, whatever the disk
/// still holds. The fold reads through it as well, so it never depends on what a compaction has already taken.
#[derive(Clone, Copy)]
pub struct Mailbox<'a> {
    pub rows: &'a dyn Rows,
    pub meta: &'a MetaRow,
}

impl<'a> Mailbox<'a> {
    pub fn new(rows: &'a dyn Rows, meta: &'a MetaRow) -> Self {
        Self { rows, meta }
    }

    /// The account's row, also of one that was deleted.
    ///
    /// # Errors
    /// If it cannot be read; so in all functions here.
    pub fn account_row(&self, account: &Account) -> Result<Option<Hot<AccountRow>>, RowsError> {
        get_hot(self.rows, AccountRow::key(account).as_slice())
    }

    pub fn account(&self, account: &Account) -> Result<Option<Hot<AccountRow>>, RowsError> {
        Ok(self.account_row(account)?.filter(|row| row.exists))
    }

    pub fn exists(&self, account: &Account) -> Result<bool, RowsError> {
        Ok(self.account(account)?.is_some())
    }

    pub fn conversation(&self, account: &Account, peer: &Account) -> Result<Option<Hot<ConversationRow>>, RowsError> {
        let row: Option<Hot<ConversationRow>> = get_hot(self.rows, ConversationRow::key(account, peer).as_slice())?;
        Ok(row.filter(|row| self.is_visible(&**row)))
    }

    pub fn message(&self, pointer: Pointer) -> Result<Option<MessageRow>, RowsError> {
        self.visible(get(self.rows, MessageRow::key(pointer).as_slice())?)
    }

    pub fn timeline_row(&self, account: &Account, sequence: u64) -> Result<Option<TimelineRow>, RowsError> {
        self.visible(get(self.rows, TimelineRow::key(account, sequence).as_slice())?)
    }

    pub fn idempotency(&self, sender: &Account, hash: u128) -> Result<Option<IdempotencyRow>, RowsError> {
        let row: Option<IdempotencyRow> = get(self.rows, IdempotencyRow::key(sender, hash).as_slice())?;
        Ok(row.filter(|row| row.record_time >= self.window_start(row.window)))
    }

    fn window_start(&self, window: Window) -> Millis {
        match window {
            Window::Server => self.meta.horizons.server_keys,
            Window::Client => self.meta.horizons.client_keys,
        }
    }

    /// The register, listed or not.
    pub fn relation(
        &self,
        account: &Account,
        kind: RelationKind,
        peer: &Account,
    ) -> Result<Option<RelationRow>, RowsError> {
        get(self.rows, RelationRow::key(account, kind, peer).as_slice())
    }

    pub fn lists(&self, account: &Account, kind: RelationKind, peer: &Account) -> Result<bool, RowsError> {
        Ok(self.relation(account, kind, peer)?.is_some_and(|row| row.listed))
    }

    pub fn profile(&self, account: &Account) -> Result<ProfileRow, RowsError> {
        Ok(get(self.rows, ProfileRow::key(account).as_slice())?.unwrap_or_default())
    }

    pub fn device(&self, account: &Account, device: &str) -> Result<Option<DeviceRow>, RowsError> {
        let row: Option<DeviceRow> = get(self.rows, DeviceRow::key(account, device).as_slice())?;
        Ok(row.filter(|row| row.last_seen >= self.meta.horizons.devices))
    }

    pub fn session(&self, account: &Account, session: &str) -> Result<Option<SessionRow>, RowsError> {
        get(self.rows, SessionRow::key(account, session).as_slice())
    }

    /// All sessions that no logout or kick has ended; at most as many as devices.
    pub fn sessions(&self, account: &Account) -> Result<Vec<(String, SessionRow)>, RowsError> {
        let mut found = Vec::new();
        let prefix = SessionRow::prefix(account);
        self.walk(&prefix, Direction::Forward, |key, value| {
            let session = text_after(key, &prefix)?;
            found.push((session, SessionRow::decode(value)?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// All rows of devices, forgotten ones too.
    pub fn devices(&self, account: &Account) -> Result<Vec<(String, DeviceRow)>, RowsError> {
        let mut found = Vec::new();
        let prefix = DeviceRow::prefix(account);
        self.walk(&prefix, Direction::Forward, |key, value| {
            found.push((text_after(key, &prefix)?, DeviceRow::decode(value)?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// How offline push reaches the account's devices, in the order of their names.
    pub fn push_tokens(&self, account: &Account) -> Result<Vec<(String, PushTokenRow)>, RowsError> {
        let mut found = Vec::new();
        let prefix = PushTokenRow::prefix(account);
        self.walk(&prefix, Direction::Forward, |key, value| {
            found.push((text_after(key, &prefix)?, PushTokenRow::decode(value)?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// The unread messages of all recent contacts, without those that have expired since the account's last change.
    pub fn unread_total(&self, account: &Account, owner: &AccountRow) -> Result<u64, RowsError> {
        if owner.recents == 0 || owner.recents_from >= self.meta.horizons.roaming {
            return Ok(owner.unread_total);
        }
        let mut total = 0;
        self.walk(&RecentRow::prefix(account), Direction::Forward, |key, _| {
            let (_, peer) = RecentRow::place(key)?;
            total += self.conversation(account, &peer)?.map_or(0, |row| row.unread);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(total)
    }

    /// Whether a compaction may have taken this row already: the fold does not depend on whether it is there.
    pub(crate) fn may_be_gone(&self, table: Table, value: &[u8]) -> Result<bool, RowsError> {
        let below = |horizon: Millis| record_time_of(value).is_some_and(|time| time < horizon);
        Ok(match table.horizon() {
            Horizon::Never | Horizon::Idempotency => false,
            Horizon::Timeline => below(self.meta.horizons.timeline),
            Horizon::Roaming if table == Table::Conversation => {
                below(self.meta.horizons.roaming) && !ConversationRow::decode(value)?.is_counted()
            }
            Horizon::Roaming => below(self.meta.horizons.roaming),
        })
    }

    /// The row, unless it is below its table's horizon.
    pub(crate) fn visible<R: Row>(&self, row: Option<R>) -> Result<Option<R>, RowsError> {
        Ok(row.filter(|row| self.is_visible(row)))
    }

    fn is_visible<R: Row>(&self, row: &R) -> bool {
        let horizon = match R::TABLE.horizon() {
            Horizon::Timeline => self.meta.horizons.timeline,
            Horizon::Roaming => self.meta.horizons.roaming,
            Horizon::Never | Horizon::Idempotency => 0,
        };
        row.record_time().is_none_or(|time| time >= horizon)
    }

    /// Visits every key that begins with a prefix.
    pub(crate) fn walk(
        &self,
        prefix: &Key,
        direction: Direction,
        visit: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, RowsError>,
    ) -> Result<(), RowsError> {
        let end = prefix.end_of_prefix();
        let range = KeyRange { from: Bound::Included(prefix.as_slice()), until: Bound::Excluded(&end) };
        self.walk_range(range, direction, visit)
    }

    pub(crate) fn walk_range(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, RowsError>,
    ) -> Result<(), RowsError> {
        self.rows.scan(range, direction, &mut |key, value| match visit(key, value) {
            Ok(ControlFlow::Continue(())) => ControlFlow::Continue(()),
            Ok(ControlFlow::Break(())) => ControlFlow::Break(Ok(())),
            Err(error) => ControlFlow::Break(Err(error)),
        })
    }
}

fn text_after(key: &[u8], prefix: &Key) -> Result<String, RowsError> {
    let rest = key.get(prefix.as_slice().len()..).and_then(|rest| rest.strip_suffix(&[0]));
    rest.and_then(|rest| std::str::from_utf8(rest).ok())
        .map(str::to_owned)
        .ok_or_else(|| RowsError("key ends in no text".to_owned()))
}
