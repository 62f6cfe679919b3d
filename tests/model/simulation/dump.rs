//! A partition's rows as readers may see them, one line a row.

use std::fmt::Debug;

use duolog::domain::rows::{
    AccountRow, BroadcastRow, ConversationRow, DeviceRow, FriendGroupsRow, HistoryRow, Horizon, IdempotencyRow,
    KeyReader, MessageRow, MetaRow, PositionRow, ProfileRow, PushTokenRow, RecentRow, RelationRow, Row, Rows,
    SessionRow, Table, TimelineRow, Window, get,
};

use super::home::{all, meta_of};

/// What two copies of a partition must agree on.
pub fn dump(rows: &dyn Rows, partition: u32) -> Vec<String> {
    let meta = meta_of(rows, partition);
    all(rows).iter().filter_map(|(key, value)| line(rows, &meta, key, value)).collect()
}

fn line(rows: &dyn Rows, meta: &MetaRow, key: &[u8], value: &[u8]) -> Option<String> {
    let table = Table::from_byte(key[0]).expect("a table");
    if !table.dumped() {
        return None;
    }
    let text = match table {
        Table::Meta => shown::<MetaRow>(meta, value),
        Table::Message => shown::<MessageRow>(meta, value),
        Table::Timeline => timeline(rows, meta, key, value),
        Table::History => shown::<HistoryRow>(meta, value),
        Table::Conversation => shown::<ConversationRow>(meta, value),
        Table::Recent => shown::<RecentRow>(meta, value),
        Table::Device => shown::<DeviceRow>(meta, value),
        Table::Account => shown::<AccountRow>(meta, value),
        Table::Session => shown::<SessionRow>(meta, value),
        Table::Relation => shown::<RelationRow>(meta, value),
        Table::Idempotency => shown::<IdempotencyRow>(meta, value),
        Table::Position => shown::<PositionRow>(meta, value),
        Table::Profile => shown::<ProfileRow>(meta, value),
        Table::PushToken => shown::<PushTokenRow>(meta, value),
        Table::Broadcast => shown::<BroadcastRow>(meta, value),
        Table::FriendGroups => shown::<FriendGroupsRow>(meta, value),
        other => panic!("{} is dumped, and this test does not know how", other.name()),
    };
    text.map(|text| format!("{} {} {text}", table.name(), key[1..].escape_ascii()))
}

/// Among the newest entries that the policy keeps, too.
fn timeline(rows: &dyn Rows, meta: &MetaRow, key: &[u8], value: &[u8]) -> Option<String> {
    let mut reader = KeyReader::new(key, Table::Timeline).unwrap();
    let account = reader.account().unwrap();
    let owner: AccountRow = get(rows, AccountRow::key(&account).as_slice()).unwrap().unwrap_or_default();
    let oldest = owner.entries.saturating_sub(u64::from(meta.policy.offline_messages));
    let row = TimelineRow::decode(value).unwrap();
    (row.ordinal > oldest).then(|| shown::<TimelineRow>(meta, value))?
}

fn shown<R: Row + Debug + 'static>(meta: &MetaRow, value: &[u8]) -> Option<String> {
    let row = R::decode(value).unwrap();
    let horizon = match R::TABLE.horizon() {
        Horizon::Never => 0,
        Horizon::Timeline => meta.horizons.timeline,
        Horizon::Roaming => meta.horizons.roaming,
        Horizon::Idempotency => match IdempotencyRow::decode(value).unwrap().window {
            Window::Server => meta.horizons.server_keys,
            Window::Client => meta.horizons.client_keys,
        },
    };
    row.record_time().is_none_or(|time| time >= horizon).then(|| format!("{row:?}"))
}

/// # Panics
/// If they differ; with the lines that do.
pub fn assert_same(what: &str, live: &[String], rebuilt: &[String]) {
    if live == rebuilt {
        return;
    }
    let only = |here: &[String], there: &[String]| {
        let lines: Vec<_> = here.iter().filter(|line| !there.contains(line)).cloned().collect();
        lines.join("\n  ")
    };
    panic!("{what}\nonly live:\n  {}\nonly rebuilt:\n  {}", only(live, rebuilt), only(rebuilt, live));
}
