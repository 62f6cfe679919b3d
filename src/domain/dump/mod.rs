//! The oracle: what the rows of a partition say, in a form that can be read and compared.
//!
//! A dump holds every row that a reader may see, in the order of the keys, and nothing of what the disk still holds below
//! a horizon or no longer holds. A history is shown message by message, however many lie in one row. So the dump of live rows and that of a rebuild are equal whatever compactions have done,
//! and any difference is a fault: of the fold, which must come out the same at every rebuild, or of the disk.

mod compare;
mod history;
mod json;
mod present;

use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};

use duolog_topics::Account;
use serde::Serialize;
use serde_json::Value;

use self::present::Present;
use super::rows::{
    Direction, HistoryRow, Key, KeyRange, MessageRow, MetaRow, Row, Rows, RowsError, Table, Visited, Visitor, get,
};

pub use compare::{Compared, Difference, compare};

/// A row as a dump shows it; its `Display` is one line of JSON, the same for equal rows.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DumpedRow {
    pub partition: u32,
    pub table: &'static str,
    pub key: Value,
    pub value: Value,
}

impl std::fmt::Display for DumpedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

/// Visits every present row of one partition in the order of the keys. Cost: a pass through the rows, and a read for each
/// recent contact, each conversation and each account that has a timeline.
///
/// # Errors
/// If rows cannot be read, or an error that `visit` broke with. A row that cannot be decoded is no error: it is shown as
/// the bytes that it is.
pub fn dump(rows: &dyn Rows, visit: &mut dyn FnMut(DumpedRow) -> Visited) -> Result<(), RowsError> {
    let meta = meta_of(rows)?;
    let mut present = Present::new(rows, &meta);
    for table in Table::ALL.iter().filter(|table| table.dumped()) {
        show_prefix(rows, &mut present, &Key::of(*table), visit)?;
    }
    Ok(())
}

/// The same for one mailbox: what stands under the account, and the messages that its history points at.
///
/// # Errors
/// As [`dump`].
pub fn dump_account(
    rows: &dyn Rows,
    account: &Account,
    visit: &mut dyn FnMut(DumpedRow) -> Visited,
) -> Result<(), RowsError> {
    let meta = meta_of(rows)?;
    let mut present = Present::new(rows, &meta);
    for table in Table::ALL.iter().filter(|table| table.dumped()) {
        match table {
            Table::Meta | Table::Position | Table::Consumer | Table::Broadcast => {}
            Table::Message => {
                for key in messages_of(rows, account)? {
                    show_prefix(rows, &mut present, &key, visit)?;
                }
            }
            table => show_prefix(rows, &mut present, &Key::of(*table).account(account), visit)?,
        }
    }
    Ok(())
}

/// The partition's own row.
///
/// # Errors
/// If it cannot be read.
pub fn meta_of(rows: &dyn Rows) -> Result<MetaRow, RowsError> {
    Ok(get(rows, MetaRow::key().as_slice())?.unwrap_or_else(|| MetaRow::empty(0)))
}

fn show_prefix(
    rows: &dyn Rows,
    present: &mut Present<'_>,
    prefix: &Key,
    visit: &mut dyn FnMut(DumpedRow) -> Visited,
) -> Result<(), RowsError> {
    let mut show = |key: &[u8], value: &[u8]| match present.shows(key, value) {
        Ok(true) => visit(decoded(present.partition(), key, value)),
        Ok(false) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Err(error)),
    };
    match prefix.table() {
        Some(Table::History) => history::each_message(rows, prefix, &mut show),
        _ => each_row(rows, prefix, &mut show),
    }
}

/// The keys of the messages that an account's history points at, each once, in their order.
fn messages_of(rows: &dyn Rows, account: &Account) -> Result<Vec<Key>, RowsError> {
    let mut pointers = BTreeSet::new();
    history::each_message(rows, &Key::of(Table::History).account(account), &mut |_, value| {
        if let Ok(row) = HistoryRow::decode(value) {
            pointers.extend(row.entries.iter().flatten().map(|(_, entry)| entry.pointer));
        }
        ControlFlow::Continue(())
    })?;
    Ok(pointers.into_iter().map(MessageRow::key).collect())
}

fn each_row(rows: &dyn Rows, prefix: &Key, visit: &mut Visitor<'_>) -> Result<(), RowsError> {
    let end = prefix.end_of_prefix();
    let range = KeyRange { from: Bound::Included(prefix.as_slice()), until: Bound::Excluded(&end) };
    rows.scan(range, Direction::Forward, visit)
}

fn decoded(partition: u32, key: &[u8], value: &[u8]) -> DumpedRow {
    let table = key.first().and_then(|byte| Table::from_byte(*byte));
    match table {
        Some(table) => DumpedRow {
            partition,
            table: table.name(),
            key: json::key(table, key).unwrap_or_else(|error| json::undecodable(key, &error)),
            value: json::value(table, value).unwrap_or_else(|error| json::undecodable(value, &error)),
        },
        None => DumpedRow { partition, table: "unknown", key: json::hex(key), value: json::hex(value) },
    }
}
