use std::ops::Bound;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use itertools::Itertools as _;
use smallvec::{SmallVec, smallvec};

use super::{Direction, Key, KeyRange, Table};

/// Bytes of a key that are compared before the key itself: most keys of a table differ there.
const HEAD: usize = 24;
/// Places of a run that need no memory of their own.
const INLINE: usize = 4;

/// Something for each of many keys, in memory.
///
/// ```text
/// entries   in the order in which they came: what is new is written beside what came just before
///              ▲
/// by_key    a place, by the hash of its key       tables that the fold reads row by row: sorted for the rare walk
/// runs      places in the order of their keys,    tables that the fold walks over
///           by the hash of what the keys of a walk have in common
/// ```
///
/// Nearly every row is new, and looked for before it is put. What is small is kept where it is looked for, so that it stays
/// in the caches of a core, and the rows themselves are touched when they are found.
#[derive(Clone, Debug)]
pub struct Keyed<V> {
    entries: Vec<(Key, V)>,
    by_key: HashTable<Hashed<u32>>,
    runs: HashTable<Hashed<Run>>,
}

/// Places of entries whose keys begin alike. Nearly every one comes after all others; where one does not, the places behind it
/// move, and nothing else does.
type Run = SmallVec<[u32; INLINE]>;

/// With the hash by which it is found, so that a table that grows looks at no key.
#[derive(Clone, Debug)]
struct Hashed<T> {
    hash: u32,
    value: T,
}

/// Values with their keys, in order.
pub type InOrder<'c, V> = Box<dyn Iterator<Item = (&'c Key, &'c V)> + 'c>;

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self { entries: Vec::new(), by_key: HashTable::new(), runs: HashTable::new() }
    }
}

impl<V> Keyed<V> {
    /// Puts a value for a key. If there is one already, `merge` says what becomes of the two.
    ///
    /// # Panics
    /// If there are more than four billion.
    pub fn put(&mut self, key: Key, value: V, merge: impl FnOnce(&mut V, V)) {
        let Self { entries, by_key, runs } = self;
        let next = u32::try_from(entries.len()).expect("memory holds no more than four billion rows");
        let found = match Table::walked_prefix(key.as_slice()) {
            None => match Hashed::entry(by_key, key.as_slice(), |place| entries[*place as usize].0 == key) {
                (Entry::Occupied(found), _) => Some(found.get().value),
                (Entry::Vacant(slot), hash) => {
                    slot.insert(Hashed { hash, value: next });
                    None
                }
            },
            Some(prefix) => match Hashed::entry(runs, prefix, |run| is_of(entries, run, prefix)) {
                (Entry::Occupied(mut run), _) => add(entries, &mut run.get_mut().value, &key, next),
                (Entry::Vacant(slot), hash) => {
                    slot.insert(Hashed { hash, value: smallvec![next] });
                    None
                }
            },
        };
        match found {
            Some(place) => merge(&mut entries[place as usize].1, value),
            None => entries.push((key, value)),
        }
    }

    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        let place = match Table::walked_prefix(key) {
            None => *Hashed::find(&self.by_key, key, |place| self.key(*place).as_slice() == key)?,
            Some(prefix) => {
                let run = self.run(prefix)?;
                run[run.binary_search_by(|place| self.key(*place).as_slice().cmp(key)).ok()?]
            }
        };
        Some(self.entry(place).1)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every key and value, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Gives everything away, in no order, and keeps the memory.
    pub fn give(&mut self, mut each: impl FnMut(Key, V)) {
        self.by_key.clear();
        self.runs.clear();
        self.entries.drain(..).for_each(|(key, value)| each(key, value));
    }

    /// How much finds room in the memory that was taken so far.
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Forgets everything and keeps the memory for what comes next.
    pub fn clear(&mut self) {
        self.give(|_, _| ());
    }

    /// Makes room for as much as there is in another one.
    pub fn reserve_like(&mut self, other: &Self) {
        self.entries.reserve(other.entries.len());
        self.by_key.reserve(other.by_key.len(), Hashed::spread);
        self.runs.reserve(other.runs.len(), Hashed::spread);
    }

    /// Everything in the order of the keys. Costs a sort.
    pub fn sorted(&self) -> impl Iterator<Item = (&Key, &V)> {
        let runs = self.runs.iter().map(|run| (self.key(run.value[0]), &run.value));
        let in_runs = in_order(runs).flatten().map(|place| self.entry(*place));
        let alone = in_order(self.by_key.iter().map(|found| (self.key(found.value), found.value)));
        alone.map(|place| self.entry(place)).merge_by(in_runs, |(a, _), (b, _)| a < b)
    }

    /// What lies within a range of keys, in order. Where the range is no walk within a run it costs a look at everything.
    pub fn range<'c>(&'c self, range: KeyRange<'_>, direction: Direction) -> InOrder<'c, V> {
        if let Some(prefix) = range.within_a_run() {
            let run = self.run(prefix).map(SmallVec::as_slice).unwrap_or_default();
            let from = run.partition_point(|place| range.begins_after(self.key(*place).as_slice()));
            let until = run.partition_point(|place| !range.ends_before(self.key(*place).as_slice()));
            let within = run.get(from..until).unwrap_or_default();
            return in_direction(within.iter().map(|place| self.entry(*place)), direction);
        }
        let mut found: Vec<_> = self.iter().filter(|(key, _)| range.holds(key.as_slice())).collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        in_direction(found.into_iter(), direction)
    }

    fn run(&self, prefix: &[u8]) -> Option<&Run> {
        Hashed::find(&self.runs, prefix, |run| is_of(&self.entries, run, prefix))
    }

    fn entry(&self, place: u32) -> (&Key, &V) {
        let (key, value) = &self.entries[place as usize];
        (key, value)
    }

    fn key(&self, place: u32) -> &Key {
        self.entry(place).0
    }
}

/// Whether the keys of a run begin with this. The newest one is asked, because it is looked at next.
fn is_of<V>(entries: &[(Key, V)], run: &Run, prefix: &[u8]) -> bool {
    run.last().is_some_and(|place| entries[*place as usize].0.as_slice().starts_with(prefix))
}

/// Adds the place of a key to a run, or gives the place where the key is already.
fn add<V>(entries: &[(Key, V)], run: &mut Run, key: &Key, next: u32) -> Option<u32> {
    let at = |place: &u32| &entries[*place as usize].0;
    match run.last() {
        Some(last) if at(last) < key => run.push(next),
        _ => match run.binary_search_by(|place| at(place).cmp(key)) {
            Ok(found) => return Some(run[found]),
            Err(behind) => run.insert(behind, next),
        },
    }
    None
}

impl<T> Hashed<T> {
    fn find<'t>(table: &'t HashTable<Self>, bytes: &[u8], mut is: impl FnMut(&T) -> bool) -> Option<&'t T> {
        let (hash, spread) = Self::hash(bytes);
        table.find(spread, |found| found.hash == hash && is(&found.value)).map(|found| &found.value)
    }

    fn entry<'t>(
        table: &'t mut HashTable<Self>,
        bytes: &[u8],
        mut is: impl FnMut(&T) -> bool,
    ) -> (Entry<'t, Self>, u32) {
        let (hash, spread) = Self::hash(bytes);
        (table.entry(spread, |found| found.hash == hash && is(&found.value), Self::spread), hash)
    }

    fn hash(bytes: &[u8]) -> (u32, u64) {
        let hash = std::hash::BuildHasher::hash_one(&FixedState::default(), bytes) as u32;
        (hash, spread(hash))
    }

    fn spread(&self) -> u64 {
        spread(self.hash)
    }
}

/// A hash as tables take it: they look at its lowest and its highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// Sorts by keys. Their beginnings are compared beside each other, without a look at each key where it lies.
fn in_order<'k, T>(keyed: impl Iterator<Item = (&'k Key, T)>) -> impl Iterator<Item = T> {
    let mut keyed: Vec<_> = keyed.map(|(key, value)| (head(key.as_slice()), key, value)).collect();
    keyed.sort_unstable_by(|(a_head, a, _), (b_head, b, _)| a_head.cmp(b_head).then_with(|| a.cmp(b)));
    keyed.into_iter().map(|(_, _, value)| value)
}

fn head(key: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let length = key.len().min(HEAD);
    head[..length].copy_from_slice(&key[..length]);
    head
}

fn in_direction<'c, V>(
    entries: impl DoubleEndedIterator<Item = (&'c Key, &'c V)> + 'c,
    direction: Direction,
) -> InOrder<'c, V> {
    match direction {
        Direction::Forward => Box::new(entries),
        Direction::Backward => Box::new(entries.rev()),
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

    /// Whether a walk over it finds all it visits in one run, and so may be broken off and taken up again at no cost.
    pub fn is_a_walk(&self) -> bool {
        self.within_a_run().is_some()
    }

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

    fn holds(&self, key: &[u8]) -> bool {
        !self.begins_after(key) && !self.ends_before(key)
    }
}
