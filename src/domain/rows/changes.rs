use std::collections::HashMap;
use std::ops::Bound;

use foldhash::fast::FixedState;

use super::run::{InOrder, Run};
use super::{Cell, Direction, Key, KeyRange, Table};

/// A batch as large as this leaves maps behind that are too large for the next ones.
const KEPT: usize = 1 << 16;

/// What a fold leaves behind: each changed key once, with its new value or none if the row is gone.
///
/// ```text
/// tables that the fold walks over        runs       by what the keys of a walk have in common, in order within
/// all others (most rows of a message)    by key     looked up and put in constant time, sorted for the rare walk
/// ```
#[derive(Clone, Debug, Default)]
pub struct Changes {
    by_key: HashMap<Key, Option<Cell>, FixedState>,
    runs: HashMap<Key, Run, FixedState>,
    in_runs: usize,
}

impl Changes {
    /// Notes the value of a row, or that it is gone.
    pub fn set(&mut self, key: Key, cell: Option<Cell>) {
        let Some(prefix) = Table::walked_prefix(key.as_slice()) else {
            self.by_key.insert(key, cell);
            return;
        };
        match self.runs.get_mut(prefix) {
            Some(run) => self.in_runs += usize::from(run.set(key, cell)),
            None => {
                self.runs.insert(Key::from(prefix), Run::new(key, cell));
                self.in_runs += 1;
            }
        }
    }

    /// What became of a key; `None` if it did not change.
    pub fn get(&self, key: &[u8]) -> Option<&Option<Cell>> {
        match Table::walked_prefix(key) {
            Some(prefix) => self.runs.get(prefix)?.get(key),
            None => self.by_key.get(key),
        }
    }

    /// Takes over later changes.
    pub fn extend(&mut self, later: Self) {
        self.by_key.extend(later.by_key);
        for (prefix, run) in later.runs {
            if let Some(earlier) = self.runs.get_mut(&prefix) {
                run.iter().for_each(|(key, cell)| self.in_runs += usize::from(earlier.set(key.clone(), cell.clone())));
            } else {
                self.in_runs += run.iter().count();
                self.runs.insert(prefix, run);
            }
        }
    }

    pub fn len(&self) -> usize {
        self.by_key.len() + self.in_runs
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything and keeps the memory for the next batch, unless it was an unusually large one.
    pub fn clear(&mut self) {
        if self.by_key.capacity().max(self.runs.capacity()) > KEPT {
            *self = Self::default();
        }
        self.by_key.clear();
        self.runs.clear();
        self.in_runs = 0;
    }

    /// Every change, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.by_key.iter().chain(self.runs.values().flat_map(Run::iter))
    }

    /// The changes of some tables, in no order.
    pub fn of(&self, wanted: fn(Table) -> bool) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        let is_wanted = move |key: &Key| key.table().is_some_and(wanted);
        let runs = self.runs.iter().filter(move |(prefix, _)| is_wanted(prefix));
        self.by_key.iter().filter(move |(key, _)| is_wanted(key)).chain(runs.flat_map(|(_, run)| run.iter()))
    }

    /// Every change in the order of the keys. Costs a sort.
    pub fn sorted(&self) -> Vec<(&Key, &Option<Cell>)> {
        let mut all = Vec::with_capacity(self.len());
        all.extend(self.by_key.iter());
        all.sort_unstable_by_key(|(key, _)| *key);
        let mut runs: Vec<_> = self.runs.iter().collect();
        runs.sort_unstable_by_key(|(prefix, _)| *prefix);
        all.extend(runs.into_iter().flat_map(|(_, run)| run.iter()));
        // Two runs in order: a stable sort merges them.
        all.sort_by_key(|(key, _)| *key);
        all
    }

    /// The changes within a range of keys, in order. Where the range is no walk within a run it costs a look at all changes.
    pub fn range<'c>(&'c self, range: KeyRange<'_>, direction: Direction) -> InOrder<'c> {
        if let Some(prefix) = range.within_a_run() {
            return self
                .runs
                .get(prefix)
                .map_or_else(|| Box::new(std::iter::empty()) as _, |run| run.range(range, direction));
        }
        let mut found: Vec<_> = self.iter().filter(|(key, _)| range.holds(key.as_slice())).collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        match direction {
            Direction::Forward => Box::new(found.into_iter()),
            Direction::Backward => Box::new(found.into_iter().rev()),
        }
    }
}

impl PartialEq for Changes {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
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
    /// What all keys of the range have in common, if that is the prefix of one run.
    fn within_a_run(&self) -> Option<&[u8]> {
        let (Bound::Included(from) | Bound::Excluded(from)) = self.from else { return None };
        let (Bound::Included(until) | Bound::Excluded(until)) = self.until else { return None };
        let prefix = Table::walked_prefix(from)?;
        let ends_inside = until.starts_with(prefix);
        let ends_after = matches!(self.until, Bound::Excluded(_)) && until == Key::from(prefix).end_of_prefix();
        (ends_inside || ends_after).then_some(prefix)
    }
}
