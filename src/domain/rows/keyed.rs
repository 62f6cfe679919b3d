use std::ops::Bound;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use smallvec::{SmallVec, smallvec};

use super::{Direction, Key, KeyRange, Table};

/// Places of a run that need no memory of their own.
const INLINE: usize = 4;
/// Keys that are gone to at once: a core waits for about so many places in memory at the same time.
pub(super) const TOGETHER: usize = 32;

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
    entries: Vec<(HashedKey, V)>,
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

/// A key with what finds it in any [`Keyed`].
#[derive(Clone, Debug)]
pub struct HashedKey {
    key: Key,
    hash: u32,
    /// The length of what it has in common with the keys of a walk; 0: there are no walks over its table.
    walked: u32,
}

impl From<Key> for HashedKey {
    fn from(key: Key) -> Self {
        let walked = Table::walked_prefix(key.as_slice());
        let (hash, walked) = (hash(walked.unwrap_or(key.as_slice())), walked.map_or(0, |prefix| prefix.len() as u32));
        Self { key, hash, walked }
    }
}

impl std::ops::Deref for HashedKey {
    type Target = Key;

    fn deref(&self) -> &Key {
        &self.key
    }
}

impl HashedKey {
    /// Reads both ends of it.
    fn near(&self) -> u32 {
        u32::from(self.key.as_slice()[0]) ^ self.hash
    }

    fn walked(&self) -> Option<&[u8]> {
        (self.walked > 0).then(|| &self.key.as_slice()[..self.walked as usize])
    }
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
    pub fn put(&mut self, key: HashedKey, value: V, merge: impl FnOnce(&mut V, V)) {
        let Self { entries, by_key, runs } = self;
        let next = u32::try_from(entries.len()).expect("memory holds no more than four billion rows");
        let found = match key.walked() {
            None => match Hashed::entry(by_key, key.hash, |place| entries[*place as usize].0.key == key.key) {
                Entry::Occupied(found) => Some(found.get().value),
                Entry::Vacant(slot) => {
                    slot.insert(Hashed { hash: key.hash, value: next });
                    None
                }
            },
            Some(prefix) => match Hashed::entry(runs, key.hash, |run| is_of(entries, run, prefix)) {
                Entry::Occupied(mut run) => add(entries, &mut run.get_mut().value, &key, next),
                Entry::Vacant(slot) => {
                    slot.insert(Hashed { hash: key.hash, value: smallvec![next] });
                    None
                }
            },
        };
        match found {
            Some(place) => merge(&mut entries[place as usize].1, value),
            None => entries.push((key, value)),
        }
    }

    /// Puts a value for a key, unless there is one already; whether there was none.
    pub fn keep(&mut self, key: HashedKey, value: V) -> bool {
        let before = self.len();
        self.put(key, value, |_, _| ());
        self.len() > before
    }

    /// The keys and values that came after so many others.
    pub fn after(&mut self, others: usize) -> impl ExactSizeIterator<Item = (&HashedKey, &mut V)> {
        self.entries[others..].iter_mut().map(|(key, value)| (&*key, value))
    }

    pub fn get(&self, key: &[u8]) -> Option<&V> {
        let walked = Table::walked_prefix(key);
        self.find(hash(walked.unwrap_or(key)), walked, key)
    }

    pub fn get_hashed(&self, key: &HashedKey) -> Option<&V> {
        self.find(key.hash, key.walked(), key.as_slice())
    }

    #[inline]
    fn find(&self, hash: u32, walked: Option<&[u8]>, key: &[u8]) -> Option<&V> {
        let place = match walked {
            None => *Hashed::find(&self.by_key, hash, |place| self.key(*place).as_slice() == key)?,
            Some(prefix) => {
                let run = Hashed::find(&self.runs, hash, |run| is_of(&self.entries, run, prefix))?;
                run[run.binary_search_by(|place| self.key(*place).as_slice().cmp(key)).ok()?]
            }
        };
        Some(self.entry(place).1)
    }

    /// Goes to where keys are, before they are looked for or put: what lies there comes into the caches of the core. Each step
    /// of it is made for many keys at once, so that it is one wait for memory and not as many. `near` reads what lies behind a
    /// value.
    pub fn approach<'k>(&self, keys: impl IntoIterator<Item = &'k HashedKey>, near: impl Fn(&V) -> u64) {
        let mut keys = keys.into_iter();
        loop {
            let mut places = [u32::MAX; TOGETHER];
            let mut count = 0;
            for (place, key) in places.iter_mut().zip(keys.by_ref()) {
                *place = self.place_about(key);
                count += 1;
            }
            self.go_to(&places[..count], &near);
            if count < TOGETHER {
                return;
            }
        }
    }

    fn go_to(&self, places: &[u32], near: impl Fn(&V) -> u64) {
        let entries = || places.iter().filter_map(|place| self.entries.get(*place as usize));
        std::hint::black_box(entries().fold(0, |read, (key, _)| read ^ key.near()));
        std::hint::black_box(entries().fold(0, |read, (_, value)| read ^ near(value)));
    }

    /// Where a key is likely to be, as far as its hash tells.
    fn place_about(&self, key: &HashedKey) -> u32 {
        let found = match key.walked {
            0 => Hashed::find(&self.by_key, key.hash, |_| true).copied(),
            _ => Hashed::find(&self.runs, key.hash, |_| true).and_then(|run| run.last().copied()),
        };
        found.unwrap_or(u32::MAX)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every key and value, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &V)> {
        self.entries.iter().map(|(key, value)| (&key.key, value))
    }

    /// Gives everything away, in no order, and keeps the memory. `coming` hears of those that come next, before the first of
    /// them.
    pub fn give<G>(
        &mut self,
        to: &mut G,
        coming: impl Fn(&G, &[(HashedKey, V)]),
        mut each: impl FnMut(&mut G, HashedKey, V),
    ) {
        self.by_key.clear();
        self.runs.clear();
        let mut entries = self.entries.drain(..);
        while !entries.as_slice().is_empty() {
            let next = entries.as_slice();
            coming(to, &next[..next.len().min(TOGETHER)]);
            entries.by_ref().take(TOGETHER).for_each(|(key, value)| each(to, key, value));
        }
    }

    /// How much finds room in the memory that was taken so far.
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Forgets everything and keeps the memory for what comes next.
    pub fn clear(&mut self) {
        self.give(&mut (), |(), _| (), |(), _, _| ());
    }

    /// Makes room for as much as there is in another one.
    pub fn reserve_like(&mut self, other: &Self) {
        self.entries.reserve(other.entries.len());
        self.by_key.reserve(other.by_key.len(), Hashed::spread);
        self.runs.reserve(other.runs.len(), Hashed::spread);
    }

    /// Everything in the order of the keys. Costs a sort, which calls `meanwhile` for each two keys that it compares. `near` as
    /// in [`Keyed::approach`].
    pub fn sorted(&self, near: impl Fn(&V) -> u64, meanwhile: impl Fn()) -> impl Iterator<Item = (&Key, &V)> {
        let alone = self.by_key.iter().map(|found| std::slice::from_ref(&found.value));
        let runs = self.runs.iter().map(|run| run.value.as_slice());
        // The keys of other tables, and of other runs, lie before a run or behind it.
        let keyed = alone.chain(runs).map(|places| (self.key(places[0]), places));
        let places: Vec<u32> = in_order_with(keyed, meanwhile).flatten().copied().collect();
        (0..places.len()).map(move |next| {
            if next.is_multiple_of(TOGETHER) {
                self.go_to(&places[next..places.len().min(next + TOGETHER)], &near);
            }
            self.entry(places[next])
        })
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
        Hashed::find(&self.runs, hash(prefix), |run| is_of(&self.entries, run, prefix))
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
fn is_of<V>(entries: &[(HashedKey, V)], run: &Run, prefix: &[u8]) -> bool {
    run.last().is_some_and(|place| entries[*place as usize].0.as_slice().starts_with(prefix))
}

/// Adds the place of a key to a run, or gives the place where the key is already.
fn add<V>(entries: &[(HashedKey, V)], run: &mut Run, key: &Key, next: u32) -> Option<u32> {
    let at = |place: &u32| &entries[*place as usize].0.key;
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
    fn find(table: &HashTable<Self>, hash: u32, mut is: impl FnMut(&T) -> bool) -> Option<&T> {
        table.find(spread(hash), |found| found.hash == hash && is(&found.value)).map(|found| &found.value)
    }

    fn entry(table: &mut HashTable<Self>, hash: u32, mut is: impl FnMut(&T) -> bool) -> Entry<'_, Self> {
        table.entry(spread(hash), |found| found.hash == hash && is(&found.value), Self::spread)
    }

    fn spread(&self) -> u64 {
        spread(self.hash)
    }
}

fn hash(bytes: &[u8]) -> u32 {
    std::hash::BuildHasher::hash_one(&FixedState::default(), bytes) as u32
}

/// A hash as tables take it: they look at its lowest and its highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// Sorts by keys. Their beginnings are compared beside each other, as numbers, without a look at each key where it lies.
pub fn in_order<'k, T>(keyed: impl Iterator<Item = (&'k Key, T)>) -> impl Iterator<Item = T> {
    in_order_with(keyed, || ())
}

fn in_order_with<'k, T>(keyed: impl Iterator<Item = (&'k Key, T)>, meanwhile: impl Fn()) -> impl Iterator<Item = T> {
    let mut keyed: Vec<_> = keyed.map(|(key, value)| (key.head(), key, value)).collect();
    keyed.sort_unstable_by(|(a_head, a, _), (b_head, b, _)| {
        meanwhile();
        a_head.cmp(b_head).then_with(|| a.cmp(b))
    });
    keyed.into_iter().map(|(_, _, value)| value)
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
