use duolog_topics::{Account, Millis};

use crate::domain::rows::{
    AccountRow, DeviceRow, Horizon, IdempotencyRow, KeyReader, MetaRow, Row, Rows, RowsError, Table, TimelineRow,
    Window, get, record_time_of,
};
use crate::domain::view::Mailbox;

/// Tells which rows a reader may see; the rules are those of [`Mailbox`], for rows that come one after the other.
///
/// A pointer to an absent body needs no look-up: a body has the record time of the row that points at it or a later one,
/// and its horizon is never above that of history or timeline.
pub(super) struct Present<'a> {
    mailbox: Mailbox<'a>,
    /// The account whose timeline is passing by, and the last of its entries that the policy no longer keeps.
    timeline: Option<(Account, u64)>,
}

impl<'a> Present<'a> {
    pub fn new(rows: &'a dyn Rows, meta: &'a MetaRow) -> Self {
        Self { mailbox: Mailbox::new(rows, meta), timeline: None }
    }

    pub fn partition(&self) -> u32 {
        self.mailbox.meta.partition
    }

    /// Whether a reader may see this row. One that cannot be decoded is shown: it must not go unnoticed.
    ///
    /// # Errors
    /// If another row that decides cannot be read.
    pub fn shows(&mut self, key: &[u8], value: &[u8]) -> Result<bool, RowsError> {
        let Some(table) = key.first().and_then(|byte| Table::from_byte(*byte)) else { return Ok(true) };
        if !self.is_within(table, value) {
            return Ok(false);
        }
        match table {
            Table::Timeline => self.shows_entry(key, value),
            Table::Recent => self.shows_recent(key),
            _ => Ok(true),
        }
    }

    /// Whether the row's time is not below the horizon of its table.
    fn is_within(&self, table: Table, value: &[u8]) -> bool {
        let horizons = &self.mailbox.meta.horizons;
        let not_below = |horizon: Millis| record_time_of(value).is_none_or(|time| time >= horizon);
        match table.horizon() {
            Horizon::Never if table == Table::Device => {
                DeviceRow::decode(value).map_or(true, |row| row.last_seen >= horizons.devices)
            }
            Horizon::Never => true,
            Horizon::Timeline => not_below(horizons.timeline),
            Horizon::Roaming => not_below(horizons.roaming),
            Horizon::Idempotency => match IdempotencyRow::decode(value).map(|row| row.window) {
                Ok(Window::Server) => not_below(horizons.server_keys),
                Ok(Window::Client) => not_below(horizons.client_keys),
                Err(_) => true,
            },
        }
    }

    fn shows_entry(&mut self, key: &[u8], value: &[u8]) -> Result<bool, RowsError> {
        let account = KeyReader::new(key, Table::Timeline).and_then(|mut reader| reader.account());
        let (Ok(account), Ok(row)) = (account, TimelineRow::decode(value)) else { return Ok(true) };
        let oldest = match &self.timeline {
            Some((same, oldest)) if *same == account => *oldest,
            _ => self.enter_timeline(account)?,
        };
        Ok(row.ordinal > oldest)
    }

    fn enter_timeline(&mut self, account: Account) -> Result<u64, RowsError> {
        let row: Option<AccountRow> = get(self.mailbox.rows, AccountRow::key(&account).as_slice())?;
        let kept = u64::from(self.mailbox.meta.policy.offline_messages);
        let oldest = row.map_or(0, |row| row.entries.saturating_sub(kept));
        self.timeline = Some((account, oldest));
        Ok(oldest)
    }

    /// The fold takes an expired conversation from the recent contacts when it next meets it; readers do not wait for it.
    fn shows_recent(&self, key: &[u8]) -> Result<bool, RowsError> {
        let Ok((account, peer)) = recent(key) else { return Ok(true) };
        Ok(self.mailbox.conversation(&account, &peer)?.is_some())
    }
}

fn recent(key: &[u8]) -> Result<(Account, Account), RowsError> {
    let mut reader = KeyReader::new(key, Table::Recent)?;
    let account = reader.account()?;
    reader.u64()?;
    Ok((account, reader.account()?))
}
