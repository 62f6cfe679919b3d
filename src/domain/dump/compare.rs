use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use serde_json::Value;

use super::present::Present;
use super::{decoded, meta_of};
use crate::domain::rows::{Direction, KeyRange, Rows, RowsError, Table};

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

/// Compares two dumps row by row, and hands over each difference, in the order of the keys, until `on` breaks. Memory
/// does not grow with the rows.
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
            (Some((left, _)), Some((right, _))) => left.cmp(right),
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

fn difference(partition: u32, left: Option<(Bytes, Bytes)>, right: Option<(Bytes, Bytes)>) -> Difference {
    let row = |side: Option<(Bytes, Bytes)>| side.map(|(key, value)| decoded(partition, &key, &value));
    let (left, right) = (row(left), row(right));
    let (table, key) = match left.as_ref().or(right.as_ref()) {
        Some(row) => (row.table, row.key.clone()),
        None => unreachable!("a row differs only if a side has it"),
    };
    Difference { partition, table, key, left: left.map(|row| row.value), right: right.map(|row| row.value) }
}

/// One side: its present rows, a page at a time.
struct Side<'a> {
    rows: &'a dyn Rows,
    present: Present<'a>,
    waiting: VecDeque<(Bytes, Bytes)>,
    /// The last key that was read; empty before the first.
    last: Bytes,
    ended: bool,
}

impl<'a> Side<'a> {
    fn new(rows: &'a dyn Rows, present: Present<'a>) -> Self {
        Self { rows, present, waiting: VecDeque::with_capacity(PAGE), last: Bytes::new(), ended: false }
    }

    fn peek(&mut self) -> Result<Option<&(Bytes, Bytes)>, RowsError> {
        while self.waiting.is_empty() && !self.ended {
            self.read_page()?;
        }
        Ok(self.waiting.front())
    }

    /// Looks at as many rows as a page has; not all of them need be present.
    fn read_page(&mut self) -> Result<(), RowsError> {
        let last = self.last.clone();
        let range = KeyRange { from: Bound::Excluded(&last), until: Bound::Unbounded };
        let mut seen = 0;
        self.rows.scan(range, Direction::Forward, &mut |key, value| {
            seen += 1;
            let dumped = key.first().and_then(|byte| Table::from_byte(*byte)).is_none_or(Table::dumped);
            match if dumped { self.present.shows(key, value) } else { Ok(false) } {
                Ok(true) => self.waiting.push_back((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value))),
                Ok(false) => {}
                Err(error) => return ControlFlow::Break(Err(error)),
            }
            if seen < PAGE {
                return ControlFlow::Continue(());
            }
            self.last = Bytes::copy_from_slice(key);
            ControlFlow::Break(Ok(()))
        })?;
        self.ended = seen < PAGE;
        Ok(())
    }
}
