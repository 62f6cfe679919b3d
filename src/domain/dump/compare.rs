use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use serde_json::Value;

use super::present::Present;
use super::{decoded, history, meta_of};
use crate::domain::rows::{Direction, Key, KeyRange, Rows, RowsError, Table};

/// Rows that are read ahead on each side.
const PAGE: usize = 1_024;

/// One row that two dumps do not agree about.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    pub partition: u32,
    pub table: &'static str,
    pub key: Value,
    /// The row on the left; absent: it has none.
    pub left: Option<Value>,
    pub right: Option<Value>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = |row: &Option<Value>| row.as_ref().map_or_else(|| "absent".to_owned(), Value::to_string);
        let Self { partition, table, key, left, right } = self;
        write!(f, "partition {partition}, {table} {key}: {} <> {}", side(left), side(right))
    }
}

/// What a comparison came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Compared {
    /// Different keys, of either side.
    pub rows: u64,
    pub differences: u64,
}

/// Compares two dumps row by row, and hands over each difference, in the order of the keys, until `on` breaks; the messages of
/// a conversation follow it. Memory does not grow with the rows.
///
/// # Errors
/// If rows of either side cannot be read.
pub fn compare(
    left: &dyn Rows,
    right: &dyn Rows,
    on: &mut dyn FnMut(Difference) -> ControlFlow<()>,
) -> Result<Compared, RowsError> {
    let (left_meta, right_meta) = (meta_of(left)?, meta_of(right)?);
    let mut left = Side::new(left, Present::new(left, &left_meta));
    let mut right = Side::new(right, Present::new(right, &right_meta));
    let mut compared = Compared::default();
    loop {
        let order = match (left.peek()?, right.peek()?) {
            (None, None) => return Ok(compared),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.order.cmp(&right.order),
        };
        let mine = if order.is_le() { left.waiting.pop_front() } else { None };
        let other = if order.is_ge() { right.waiting.pop_front() } else { None };
        compared.rows += 1;
        if mine == other {
            continue;
        }
        compared.differences += 1;
        if on(difference(left_meta.partition, mine, other)).is_break() {
            return Ok(compared);
        }
    }
}

fn difference(partition: u32, left: Option<Shown>, right: Option<Shown>) -> Difference {
    let row = |side: Option<Shown>| side.map(|row| decoded(partition, row.key.as_slice(), &row.value));
    let (left, right) = (row(left), row(right));
    let (table, key) = match left.as_ref().or(right.as_ref()) {
        Some(row) => (row.table, row.key.clone()),
        None => unreachable!("a row differs only if a side has it"),
    };
    Difference { partition, table, key, left: left.map(|row| row.value), right: right.map(|row| row.value) }
}

/// A row as it is compared, in the order in which both sides have theirs: that of the keys, but for messages, which follow
/// their conversation.
#[derive(PartialEq, Eq)]
struct Shown {
    /// Of a message: the key of its conversation, and its place.
    order: Key,
    key: Key,
    value: Bytes,
}

impl Shown {
    fn message((key, value): (Key, Bytes)) -> Self {
        Self { order: history::in_table(Table::Conversation, key.as_slice()), key, value }
    }
}

/// One side: its present rows, a page at a time.
struct Side<'a> {
    rows: &'a dyn Rows,
    present: Present<'a>,
    waiting: VecDeque<Shown>,
    /// The last key that was read; empty before the first.
    last: Key,
    /// The conversation whose messages are read before any other row.
    inside: Option<Inside>,
    ended: bool,
}

struct Inside {
    /// What the keys of its rows begin with, and the last one that was read.
    prefix: Key,
    last: Key,
    newest: Vec<(Key, Bytes)>,
}

impl<'a> Side<'a> {
    fn new(rows: &'a dyn Rows, present: Present<'a>) -> Self {
        let (waiting, last) = (VecDeque::with_capacity(PAGE), Key::from([].as_slice()));
        Self { rows, present, waiting, last, inside: None, ended: false }
    }

    fn peek(&mut self) -> Result<Option<&Shown>, RowsError> {
        while self.waiting.is_empty() && !(self.ended && self.inside.is_none()) {
            match self.inside.take() {
                Some(conversation) => self.read_messages(conversation)?,
                None => self.read_page()?,
            }
        }
        Ok(self.waiting.front())
    }

    /// Looks at as many rows as a page has, or up to a conversation; not all of them need be present.
    fn read_page(&mut self) -> Result<(), RowsError> {
        let last = self.last.clone();
        let range = KeyRange { from: Bound::Excluded(last.as_slice()), until: Bound::Unbounded };
        let mut seen = 0;
        self.ended = true;
        self.rows.scan(range, Direction::Forward, &mut |key, value| {
            seen += 1;
            let table = key.first().and_then(|byte| Table::from_byte(*byte));
            if table == Some(Table::History) {
                // It comes with the conversations.
                self.last = Key::from(Key::of(Table::History).end_of_prefix().as_slice());
                self.ended = false;
                return ControlFlow::Break(Ok(()));
            }
            match if table.is_none_or(Table::dumped) { self.present.shows(key, value) } else { Ok(false) } {
                Ok(true) if table == Some(Table::Conversation) => self.enter(key, value),
                Ok(true) => {
                    let (key, value) = (Key::from(key), Bytes::copy_from_slice(value));
                    self.waiting.push_back(Shown { order: key.clone(), key, value });
                }
                Ok(false) => {}
                Err(error) => return ControlFlow::Break(Err(error)),
            }
            if seen < PAGE && self.inside.is_none() {
                return ControlFlow::Continue(());
            }
            self.last = Key::from(key);
            self.ended = false;
            ControlFlow::Break(Ok(()))
        })
    }

    fn enter(&mut self, key: &[u8], value: &[u8]) {
        let prefix = history::in_table(Table::History, key);
        let (newest, value) = history::newest(key, value);
        let key = Key::from(key);
        self.waiting.push_back(Shown { order: key.clone(), key, value });
        self.inside = Some(Inside { last: prefix.clone(), prefix, newest });
    }

    /// Looks at as many rows of a conversation's history as a page has.
    fn read_messages(&mut self, conversation: Inside) -> Result<(), RowsError> {
        let Inside { prefix, last, newest } = conversation;
        let end = prefix.end_of_prefix();
        let range = KeyRange { from: Bound::Excluded(last.as_slice()), until: Bound::Excluded(&end) };
        let (mut seen, mut messages, mut last) = (0, Vec::new(), last.clone());
        self.rows.scan(range, Direction::Forward, &mut |key, value| {
            seen += 1;
            messages.extend(history::older(key, value));
            last = Key::from(key);
            if seen < PAGE { ControlFlow::Continue(()) } else { ControlFlow::Break(Ok(())) }
        })?;
        if seen < PAGE {
            messages.extend(newest);
        } else {
            self.inside = Some(Inside { prefix, last, newest });
        }
        for message in messages {
            if self.present.shows(message.0.as_slice(), &message.1)? {
                self.waiting.push_back(Shown::message(message));
            }
        }
        Ok(())
    }
}
