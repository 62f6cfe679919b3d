use std::collections::BTreeMap;
use std::iter;
use std::ops::Bound;

use super::{Cell, Direction, Key, KeyRange};

/// More changes than this are kept in a tree: an account that everybody writes to has thousands in a batch.
const FEW: usize = 32;

/// Changes of keys that begin alike, in order. Nearly every one comes after all others, and there are few.
#[derive(Clone, Debug)]
pub(super) enum Run {
    Few(Vec<(Key, Option<Cell>)>),
    Many(BTreeMap<Key, Option<Cell>>),
}

/// Changes in order.
pub(super) type InOrder<'c> = Box<dyn Iterator<Item = (&'c Key, &'c Option<Cell>)> + 'c>;

impl Run {
    pub fn new(key: Key, cell: Option<Cell>) -> Self {
        Self::Few(vec![(key, cell)])
    }

    /// Notes a change; whether it is the first one of its key.
    pub fn set(&mut self, key: Key, cell: Option<Cell>) -> bool {
        let changes = match self {
            Self::Many(changes) => return changes.insert(key, cell).is_none(),
            Self::Few(changes) => changes,
        };
        let place = match changes.last() {
            Some((last, _)) if *last < key => Err(changes.len()),
            _ => changes.binary_search_by(|(other, _)| other.cmp(&key)),
        };
        match place {
            Ok(place) => changes[place].1 = cell,
            Err(place) => changes.insert(place, (key, cell)),
        }
        if changes.len() > FEW {
            *self = Self::Many(std::mem::take(changes).into_iter().collect());
        }
        place.is_err()
    }

    pub fn get(&self, key: &[u8]) -> Option<&Option<Cell>> {
        match self {
            Self::Few(changes) => {
                let place = changes.binary_search_by(|(other, _)| other.as_slice().cmp(key)).ok()?;
                Some(&changes[place].1)
            }
            Self::Many(changes) => changes.get(key),
        }
    }

    pub fn iter(&self) -> InOrder<'_> {
        match self {
            Self::Few(changes) => Box::new(changes.iter().map(|(key, cell)| (key, cell))),
            Self::Many(changes) => Box::new(changes.iter()),
        }
    }

    /// The changes within a range of keys.
    pub fn range(&self, range: KeyRange<'_>, direction: Direction) -> InOrder<'_> {
        match self {
            Self::Few(changes) => {
                let from = changes.partition_point(|(key, _)| range.begins_after(key.as_slice()));
                let until = changes.partition_point(|(key, _)| !range.ends_before(key.as_slice()));
                let within = changes.get(from..until).unwrap_or_default().iter().map(|(key, cell)| (key, cell));
                in_direction(within, direction)
            }
            Self::Many(_) if range.is_empty() => Box::new(iter::empty()),
            Self::Many(changes) => in_direction(changes.range::<[u8], _>((range.from, range.until)), direction),
        }
    }
}

fn in_direction<'c>(
    changes: impl DoubleEndedIterator<Item = (&'c Key, &'c Option<Cell>)> + 'c,
    direction: Direction,
) -> InOrder<'c> {
    match direction {
        Direction::Forward => Box::new(changes),
        Direction::Backward => Box::new(changes.rev()),
    }
}

impl KeyRange<'_> {
    fn begins_after(&self, key: &[u8]) -> bool {
        match self.from {
            Bound::Included(from) => key < from,
            Bound::Excluded(from) => key <= from,
            Bound::Unbounded => false,
        }
    }

    fn ends_before(&self, key: &[u8]) -> bool {
        match self.until {
            Bound::Included(until) => key > until,
            Bound::Excluded(until) => key >= until,
            Bound::Unbounded => false,
        }
    }

    pub(super) fn holds(&self, key: &[u8]) -> bool {
        !self.begins_after(key) && !self.ends_before(key)
    }

    /// Whether no key can lie in it: a tree refuses to be asked for such a range.
    fn is_empty(&self) -> bool {
        let (Bound::Included(from) | Bound::Excluded(from), Bound::Included(until) | Bound::Excluded(until)) =
            (self.from, self.until)
        else {
            return false;
        };
        from > until || from == until && !matches!((self.from, self.until), (Bound::Included(_), Bound::Included(_)))
    }
}
