use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::{Cell, Direction, Key, KeyRange, Table};

/// What a fold leaves behind: each changed key once, with its new value or none if the row is gone.
///
/// ```text
/// tables that the fold walks over        ordered    a walk finds them in place
/// all others (most rows of a message)    by key     looked up and put in constant time, sorted for the rare walk
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Changes {
    by_key: HashMap<Key, Option<Cell>, foldhash::fast::FixedState>,
    ordered: BTreeMap<Key, Option<Cell>>,
}

impl Changes {
    /// Notes the value of a row, or that it is gone.
    pub fn set(&mut self, key: Key, cell: Option<Cell>) {
        if key.table().is_some_and(Table::is_walked) {
            self.ordered.insert(key, cell);
        } else {
            self.by_key.insert(key, cell);
        }
    }

    /// What became of a key; `None` if it did not change.
    pub fn get(&self, key: &[u8]) -> Option<&Option<Cell>> {
        let table = key.first().and_then(|byte| Table::from_byte(*byte));
        if table.is_some_and(Table::is_walked) { self.ordered.get(key) } else { self.by_key.get(key) }
    }

    /// Takes over later changes.
    pub fn extend(&mut self, later: Self) {
        self.by_key.extend(later.by_key);
        self.ordered.extend(later.ordered);
    }

    pub fn len(&self) -> usize {
        self.by_key.len() + self.ordered.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every change, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.by_key.iter().chain(&self.ordered)
    }

    /// Every change in the order of the keys. Costs a sort.
    pub fn sorted(&self) -> Vec<(&Key, &Option<Cell>)> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }

    /// The changes within a range of keys, in order. Where the range holds a table without an order it costs a look at
    /// all changes of such tables.
    pub fn range<'c>(
        &'c self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = (&'c Key, &'c Option<Cell>)> + 'c> {
        let ordered = self.ordered.range::<[u8], _>((range.from, range.until));
        if range.is_walked() {
            return match direction {
                Direction::Forward => Box::new(ordered),
                Direction::Backward => Box::new(ordered.rev()),
            };
        }
        let within = |key: &Key| range.holds(key.as_slice());
        let mut found: Vec<_> = self.by_key.iter().filter(|(key, _)| within(key)).chain(ordered).collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        match direction {
            Direction::Forward => Box::new(found.into_iter()),
            Direction::Backward => Box::new(found.into_iter().rev()),
        }
    }
}

impl<K: AsRef<[u8]>, C: Into<Cell>> FromIterator<(K, Option<C>)> for Changes {
    fn from_iter<I: IntoIterator<Item = (K, Option<C>)>>(rows: I) -> Self {
        let mut changes = Self::default();
        rows.into_iter().for_each(|(key, cell)| changes.set(Key::from(key.as_ref()), cell.map(Into::into)));
        changes
    }
}

impl KeyRange<'_> {
    fn holds(&self, key: &[u8]) -> bool {
        let after = match self.from {
            Bound::Included(from) => key >= from,
            Bound::Excluded(from) => key > from,
            Bound::Unbounded => true,
        };
        let before = match self.until {
            Bound::Included(until) => key <= until,
            Bound::Excluded(until) => key < until,
            Bound::Unbounded => true,
        };
        after && before
    }

    /// Whether the range lies in one table, and that is one of those that the fold walks over.
    fn is_walked(&self) -> bool {
        let (Bound::Included(from) | Bound::Excluded(from), Bound::Included(until) | Bound::Excluded(until)) =
            (self.from, self.until)
        else {
            return false;
        };
        let Some((first, last)) = from.first().zip(until.first()) else { return false };
        // The end of a whole table is the first key of the next one.
        let last =
            if until.len() == 1 && matches!(self.until, Bound::Excluded(_)) { last.saturating_sub(1) } else { *last };
        *first == last && Table::from_byte(*first).is_some_and(Table::is_walked)
    }
}
