//! A history as a dump has it: each message is a row, under its own place, however many lie in one and wherever that is.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::each_row;
use crate::domain::rows::{
    ConversationRow, HistoryEntries, HistoryRow, Key, Row, Rows, RowsError, Table, Visited, Visitor,
};

/// The same place in another table whose keys begin alike: what a conversation's messages begin with, and the opposite.
pub(super) fn in_table(table: Table, key: &[u8]) -> Key {
    Key::of(table).bytes(key.get(1..).unwrap_or_default())
}

/// The messages that a row of history holds. One that cannot be decoded is shown as it is.
pub(super) fn older(key: &[u8], value: &[u8]) -> Vec<(Key, Bytes)> {
    let prefix = Key::from(key.get(..key.len().saturating_sub(size_of::<[u64; 2]>())).unwrap_or_default());
    let messages = HistoryRow::read(key, value).and_then(|(_, row)| alone(&prefix, &row.entries));
    messages.unwrap_or_else(|_| vec![(Key::from(key), Bytes::copy_from_slice(value))])
}

/// The messages that a conversation holds; and the conversation without them. One that cannot be decoded is as it is.
pub(super) fn newest(key: &[u8], value: &[u8]) -> (Vec<(Key, Bytes)>, Bytes) {
    let parted = ConversationRow::decode(value).and_then(|mut row| {
        let messages = alone(&in_table(Table::History, key), &std::mem::take(&mut row.newest))?;
        Ok((messages, row.encode()))
    });
    parted.unwrap_or_else(|_| (Vec::new(), Bytes::copy_from_slice(value)))
}

fn alone(prefix: &Key, entries: &HistoryEntries) -> Result<Vec<(Key, Bytes)>, RowsError> {
    let row = |entry: Result<_, _>| {
        let (place, entry) = entry?;
        Ok((prefix.clone().place(place), HistoryRow::new(&[(place, entry)]).encode()))
    };
    entries.iter().map(row).collect()
}

/// Visits the messages whose keys begin with a prefix of whole names, in order; what is in no order has expired.
pub(super) fn each_message(rows: &dyn Rows, prefix: &Key, visit: &mut Visitor<'_>) -> Result<(), RowsError> {
    each_row(rows, &in_table(Table::Conversation, prefix.as_slice()), &mut |key, value| {
        let mut each = |messages: Vec<(Key, Bytes)>| -> Visited {
            messages.iter().try_for_each(|(key, value)| visit(key.as_slice(), value))
        };
        let mut stopped = None;
        let read = each_row(rows, &in_table(Table::History, key), &mut |key, value| {
            each(older(key, value)).map_break(|result| {
                stopped = Some(result);
                Ok(())
            })
        });
        match stopped.or(read.is_err().then_some(read)) {
            Some(result) => ControlFlow::Break(result),
            None => each(newest(key, value).0),
        }
    })
}
