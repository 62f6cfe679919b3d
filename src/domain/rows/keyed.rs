use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Bound;

use foldhash::fast::FixedState;
use itertools::Itertools as _;

use super::run::Run;
use super::{Direction, Key, KeyRange, Table};

/// Bytes of a key that are compared before the key itself: most keys of a table differ there.
const HEAD: usize = 24;

/// Something for each of many keys, in memory.
///
/// ```text
/// tables that the fold walks over        runs       by what the keys of a walk have in common, in order within
/// all others (most rows of a message)    by key     looked up and put in constant time, sorted for the rare walk
/// ```
#[derive(Clone, Debug)]
pub struct Keyed<V> {
    by_key: HashMap<Key, V, FixedState>,
    runs: HashMap<Key, Run<V>, FixedState>,
    in_runs: usize,
}

/// Values with their keys, in order.
pub type InOrder<'c, V> = Box<dyn Iterator<Item = (&'c Key, &'c V)> + 'c>;

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self { by_key: HashMap::default(), runs: HashMap::default(), in_runs: 0 }
    }
}

impl<V> Keyed<V> {
    /// Puts a value for a key. If there is one already, `merge` says what becomes of the two.
    pub fn put(&mut self, key: Key, value: V, merge: impl FnOnce(&mut V, V)) {
        let Some(prefix) = Table::walked_prefix(key.as_slice()) else {
            match self.by_key.entry(key) {
                Entry::Occupied(mut found) => merge(found.get_mut(), value),
                Entry::Vacant(place) => _ = place.insert(value),
            }
            return;
        };
        match self.runs.get_mut(prefix) {
            Some(run) => self.in_runs += usize::from(run.put(key, value, merge)),
            None => {
                self.runs.insert(Key::from(prefix), Run::new(key, value));
                self.in_runs += 1;
            }
        }
    }

    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        match Table::walked_prefix(key) {
            Some(prefix) => self.runs.get(prefix)?.get(key),
            None => self.by_key.get(key),
        }
    }

    pub fn len(&self) -> usize {
        self.by_key.len() + self.in_runs
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every key and value, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &V)> {
        self.by_key.iter().chain(self.runs.values().flat_map(Run::iter))
    }

    /// Gives everything away, in no order, and keeps the memory.
    pub fn give(&mut self, mut each: impl FnMut(Key, V)) {
        self.in_runs = 0;
        self.by_key.drain().for_each(|(key, value)| each(key, value));
        self.runs.drain().for_each(|(_, run)| run.give(&mut each));
    }

    /// How much finds room in the memory that was taken so far.
    pub fn capacity(&self) -> usize {
        self.by_key.capacity().max(self.runs.capacity())
    }

    /// Forgets everything and keeps the memory for what comes next.
    pub fn clear(&mut self) {
        self.by_key.clear();
        self.runs.clear();
        self.in_runs = 0;
    }

    /// Makes room for as much as there is in another one.
    pub fn reserve_like(&mut self, other: &Self) {
        self.by_key.reserve(other.by_key.len());
        self.runs.reserve(other.runs.len());
    }

    /// Everything in the order of the keys. Costs a sort.
    pub fn sorted(&self) -> impl Iterator<Item = (&Key, &V)> {
        let in_runs = in_order(self.runs.iter()).flat_map(|(_, run)| run.iter());
        in_order(self.by_key.iter()).merge_by(in_runs, |(a, _), (b, _)| a < b)
    }

    /// What lies within a range of keys, in order. Where the range is no walk within a run it costs a look at everything.
    pub fn range<'c>(&'c self, range: KeyRange<'_>, direction: Direction) -> InOrder<'c, V> {
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

/// Sorts by keys. Their beginnings are compared beside each other, without a look at each key where it lies.
fn in_order<'c, V: 'c>(entries: impl Iterator<Item = (&'c Key, &'c V)>) -> impl Iterator<Item = (&'c Key, &'c V)> {
    let mut entries: Vec<_> = entries.map(|(key, value)| (head(key.as_slice()), key, value)).collect();
    entries.sort_unstable_by(|(a_head, a, _), (b_head, b, _)| a_head.cmp(b_head).then_with(|| a.cmp(b)));
    entries.into_iter().map(|(_, key, value)| (key, value))
}

fn head(key: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let length = key.len().min(HEAD);
    head[..length].copy_from_slice(&key[..length]);
    head
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

    /// Whether a walk over it finds all it visits in one run, and so may be broken off and taken up again at no cost.
    pub fn is_a_walk(&self) -> bool {
        self.within_a_run().is_some()
    }
}
