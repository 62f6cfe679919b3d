use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::iter;
use std::ops::Bound;

use super::keyed::InOrder;
use super::{Direction, Key, KeyRange};

/// A run that is longer than this is kept in a tree once a key does not come after all others: an account that everybody
/// writes to has thousands.
const FEW: usize = 32;

/// Values whose keys begin alike, in order. Nearly every one comes after all others.
#[derive(Clone, Debug)]
pub(super) enum Run<V> {
    Appended(Vec<(Key, V)>),
    Tree(BTreeMap<Key, V>),
}

impl<V> Run<V> {
    pub fn new(key: Key, value: V) -> Self {
        Self::Appended(vec![(key, value)])
    }

    /// Puts a value for a key, merged with the one that is there; whether there was none.
    pub fn put(&mut self, key: Key, value: V, merge: impl FnOnce(&mut V, V)) -> bool {
        let values = match self {
            Self::Appended(values) => values,
            Self::Tree(values) => match values.entry(key) {
                Entry::Occupied(mut found) => {
                    merge(found.get_mut(), value);
                    return false;
                }
                Entry::Vacant(place) => {
                    place.insert(value);
                    return true;
                }
            },
        };
        let place = match values.last() {
            Some((last, _)) if *last < key => Err(values.len()),
            _ => values.binary_search_by(|(other, _)| other.cmp(&key)),
        };
        match place {
            Ok(place) => merge(&mut values[place].1, value),
            Err(place) if place < values.len() && values.len() >= FEW => {
                let mut tree: BTreeMap<_, _> = std::mem::take(values).into_iter().collect();
                tree.insert(key, value);
                *self = Self::Tree(tree);
            }
            Err(place) => values.insert(place, (key, value)),
        }
        place.is_err()
    }

    pub fn get(&self, key: &[u8]) -> Option<&V> {
        match self {
            Self::Appended(values) => {
                let place = values.binary_search_by(|(other, _)| other.as_slice().cmp(key)).ok()?;
                Some(&values[place].1)
            }
            Self::Tree(values) => values.get(key),
        }
    }

    /// Gives everything away, in order.
    pub fn give(self, each: &mut impl FnMut(Key, V)) {
        match self {
            Self::Appended(values) => values.into_iter().for_each(|(key, value)| each(key, value)),
            Self::Tree(values) => values.into_iter().for_each(|(key, value)| each(key, value)),
        }
    }

    pub fn iter(&self) -> InOrder<'_, V> {
        match self {
            Self::Appended(values) => Box::new(values.iter().map(|(key, value)| (key, value))),
            Self::Tree(values) => Box::new(values.iter()),
        }
    }

    /// What lies within a range of keys.
    pub fn range(&self, range: KeyRange<'_>, direction: Direction) -> InOrder<'_, V> {
        match self {
            Self::Appended(values) => {
                let from = values.partition_point(|(key, _)| range.begins_after(key.as_slice()));
                let until = values.partition_point(|(key, _)| !range.ends_before(key.as_slice()));
                let within = values.get(from..until).unwrap_or_default().iter().map(|(key, value)| (key, value));
                in_direction(within, direction)
            }
            Self::Tree(_) if range.is_empty() => Box::new(iter::empty()),
            Self::Tree(values) => in_direction(values.range::<[u8], _>((range.from, range.until)), direction),
        }
    }
}

fn in_direction<'c, V>(
    values: impl DoubleEndedIterator<Item = (&'c Key, &'c V)> + 'c,
    direction: Direction,
) -> InOrder<'c, V> {
    match direction {
        Direction::Forward => Box::new(values),
        Direction::Backward => Box::new(values.rev()),
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
