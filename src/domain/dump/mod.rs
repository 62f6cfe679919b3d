//! The oracle: what the rows of a partition say, in a form that can be read and compared.
//!
//! A dump holds every row that a reader may see, in the order of the keys, and nothing of what the disk still holds below
//! a horizon or no longer holds. A history is shown message by message, however many lie in one row. So the dump of live rows and that of a rebuild are equal whatever compactions have done,
//! and any difference is a fault: of the fold, which must come out the same at every rebuild, or of the disk.

mod compare;
mod json;
mod present;

use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};

use duolog_topics::Account;
use serde::Serialize;
use serde_json::Value;

use self::present::Present;
use super::rows::{
    ConversationRow, Direction, HistoryEntry, HistoryPlace, HistoryRow, Key, KeyRange, MessageRow, MetaRow, Row, Rows,
    RowsError, Table, Visited, Visitor, get,
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
/// recent contact and each account that has a timeline.
///
/// # Errors
/// If rows cannot be read, or an error that `visit` broke with. A row that cannot be decoded is no error: it is shown as
/// the bytes that it is.
pub fn dump(rows: &dyn Rows, visit: &mut dyn FnMut(DumpedRow) -> Visited) -> Result<(), RowsError> {
    let meta = meta_of(rows)?;
    let mut present = Present::new(rows, &meta);
    for table in Table::ALL.iter().filter(|table| table.dumped()) {
        match table {
            Table::History => show_histories(rows, &present, &Key::of(Table::Conversation), visit)?,
            table => show_prefix(rows, &mut present, &Key::of(*table), visit)?,
        }
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
            Table::History => {
                show_histories(rows, &present, &Key::of(Table::Conversation).account(account), visit)?;
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
    each_row(rows, prefix, &mut |key, value| match present.shows(key, value) {
        Ok(true) => visit(decoded(present.partition(), key, value)),
        Ok(false) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Err(error)),
    })
}

/// The messages of the conversations whose keys begin with a prefix.
fn show_histories(
    rows: &dyn Rows,
    present: &Present<'_>,
    conversations: &Key,
    visit: &mut dyn FnMut(DumpedRow) -> Visited,
) -> Result<(), RowsError> {
    let shown = |key: &Key, value| {
        let key = json::key(Table::History, key.as_slice()).unwrap_or_else(|_| json::hex(key.as_slice()));
        DumpedRow { partition: present.partition(), table: Table::History.name(), key, value }
    };
    each_history(rows, conversations, &mut |key, value, held| match held {
        Ok(messages) => messages
            .iter()
            .filter(|(_, entry)| present.holds(Table::History, entry.record_time))
            .try_for_each(|(place, entry)| visit(shown(&key.clone().place(*place), json::history(entry)))),
        Err(error) => visit(shown(key, json::undecodable(value, &error))),
    })
}

/// The messages that an account's history points at, each once, in the order of their keys.
fn messages_of(rows: &dyn Rows, account: &Account) -> Result<Vec<Key>, RowsError> {
    let mut pointers = BTreeSet::new();
    each_history(rows, &Key::of(Table::Conversation).account(account), &mut |_, _, held| {
        pointers.extend(held.into_iter().flatten().map(|(_, entry)| entry.pointer));
        ControlFlow::Continue(())
    })?;
    Ok(pointers.into_iter().map(MessageRow::key).collect())
}

/// Hears what their keys in the history begin with, a value and the messages in it.
type HistoryVisitor<'v> = dyn FnMut(&Key, &[u8], Result<Vec<(HistoryPlace, HistoryEntry)>, RowsError>) -> Visited + 'v;

/// Visits each row that holds messages of the conversations whose keys begin with a prefix: first those of the history, then
/// the conversation's own. What is in no order then has expired.
fn each_history(rows: &dyn Rows, conversations: &Key, visit: &mut HistoryVisitor<'_>) -> Result<(), RowsError> {
    each_row(rows, conversations, &mut |key, value| {
        let history = Key::of(Table::History).bytes(key.get(1..).unwrap_or_default());
        let mut stopped = None;
        let older = each_row(rows, &history, &mut |key, value| {
            let held = HistoryRow::read(key, value).and_then(|(_, row)| row.entries.to_vec());
            visit(&history, value, held).map_break(|result| {
                stopped = Some(result);
                Ok(())
            })
        });
        match stopped.or(older.is_err().then_some(older)) {
            Some(result) => ControlFlow::Break(result),
            // One that cannot be decoded is shown as a conversation.
            None => match ConversationRow::decode(value) {
                Ok(conversation) => visit(&history, value, conversation.newest.to_vec()),
                Err(_) => ControlFlow::Continue(()),
            },
        }
    })
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
