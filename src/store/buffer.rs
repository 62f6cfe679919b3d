//! Rows that are committed and in no table yet.
//!
//! ```text
//!               newest                                                            oldest
//! a view at 7   active (rows of commits 5, 6, 7, 8, 9)   frozen (1 to 4)   RocksDB, as it was then
//!                      ▲ the one writer appends 10              ▲ a thread makes it a table
//! ```
//!
//! A row keeps its older versions only as long as a view may ask for them: nearly every row has one version, and a hot row is
//! changed where it lies.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use super::Applied;
use super::writer::assert_row;
use crate::domain::rows::{Cell, Changes, Direction, Key, KeyRange, Keyed};

/// Bytes that a row takes in maps beside its key and its versions, about.
const OVERHEAD: usize = 100;

/// Rows in memory. One thread writes; readers see what was committed when they came.
pub(super) struct Buffer(RwLock<Committed>);

/// Memory for rows, without any.
#[derive(Default)]
pub(super) struct Memory(Keyed<Versions>);

/// What the commits so far have come to.
pub(super) struct Committed {
    rows: Keyed<Versions>,
    /// The number of the newest commit, which counts on from buffer to buffer.
    pub sequence: u64,
    pub applied: Option<Applied>,
    /// Of the newest commit before this buffer.
    began: u64,
    /// What the rows take in memory, about.
    bytes: usize,
}

/// A row's values.
struct Versions {
    newest: Version,
    /// Those that a view may ask for, newest first.
    older: Vec<Version>,
}

struct Version {
    /// The commit that made it.
    since: u64,
    /// None: the row is gone.
    cell: Option<Cell>,
}

impl Versions {
    fn new(since: u64, cell: Option<Cell>) -> Self {
        Self { newest: Version { since, cell }, older: Vec::new() }
    }

    fn at(&self, sequence: u64) -> Option<&Option<Cell>> {
        let mut versions = std::iter::once(&self.newest).chain(&self.older);
        versions.find(|version| version.since <= sequence).map(|version| &version.cell)
    }

    /// Puts a newer version on top, and forgets those that no view looks at.
    fn renew(&mut self, newer: Version, viewed: &[u64]) {
        let before = std::mem::replace(&mut self.newest, newer);
        if viewed.is_empty() {
            self.older.clear();
            return;
        }
        self.older.insert(0, before);
        let mut until = self.newest.since;
        self.older.retain(|version| {
            let first = viewed.partition_point(|view| *view < version.since);
            let seen = viewed.get(first).is_some_and(|view| *view < until);
            until = version.since;
            seen
        });
    }

    fn bytes(&self) -> usize {
        let sizes = std::iter::once(&self.newest).chain(&self.older).map(Version::bytes);
        sizes.sum()
    }
}

impl Version {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.cell.as_ref().map_or(0, Cell::size)
    }
}

impl Buffer {
    /// An empty one that goes on after a commit, in the memory of an earlier one.
    pub fn after(sequence: u64, applied: Option<Applied>, memory: Memory) -> Self {
        Self(RwLock::new(Committed { rows: memory.0, sequence, began: sequence, applied, bytes: 0 }))
    }

    /// Forgets the rows. What is left is the memory for another buffer: to grow it anew, page by page and map by map, was a
    /// third of what commits cost.
    pub fn into_memory(self) -> Memory {
        let mut rows = self.0.into_inner().rows;
        rows.clear();
        Memory(rows)
    }

    /// Adds a commit: readers see all of it or nothing. `viewed`: the commits that views look at, in order. Gives the bytes
    /// of all rows, about.
    pub fn commit(&self, changes: &mut Changes, applied: Applied, viewed: impl FnOnce() -> Vec<u64>) -> usize {
        // Before anything of it is there.
        changes.iter().for_each(|(key, _)| assert_row(key));
        let mut committed = self.0.write();
        let Committed { rows, sequence, bytes, began, .. } = &mut *committed;
        // No view comes to be meanwhile, and one that is older than this buffer has no row of it.
        let mut viewed = viewed();
        viewed.retain(|view| view > began);
        *sequence += 1;
        changes.give(|key, cell| {
            let (length, fresh) = (key.as_slice().len(), Versions::new(*sequence, cell));
            let (mut gained, mut lost) = (length + OVERHEAD + fresh.bytes(), 0);
            rows.put(key, fresh, |row, fresh| {
                lost = row.bytes();
                row.renew(fresh.newest, &viewed);
                gained = row.bytes();
            });
            *bytes = *bytes + gained - lost;
        });
        committed.applied = Some(applied);
        committed.bytes
    }

    /// The rows as they are, while nothing is committed.
    pub fn committed(&self) -> RwLockReadGuard<'_, Committed> {
        self.0.read()
    }

    /// What a row was after a commit; none if this buffer does not know.
    pub fn get(&self, key: &[u8], sequence: u64) -> Option<Option<Cell>> {
        self.0.read().rows.get(key)?.at(sequence).cloned()
    }

    /// The rows of a range as they were after a commit.
    pub fn range(&self, range: KeyRange<'_>, direction: Direction, sequence: u64) -> InBuffer<'_> {
        let piece = if range.is_a_walk() { FIRST_PIECE } else { usize::MAX };
        let left = Some((range.from.map(Key::from), range.until.map(Key::from)));
        InBuffer { buffer: self, direction, sequence, left, piece, found: VecDeque::new() }
    }
}

impl Committed {
    /// Whether nothing was committed to this buffer, not even a place.
    pub fn is_empty(&self) -> bool {
        self.sequence == self.began
    }

    /// The commits that a row's versions are of, newest first.
    #[cfg(test)]
    pub fn versions(&self, key: &[u8]) -> Vec<u64> {
        let row = self.rows.get(key);
        row.into_iter().flat_map(|row| std::iter::once(&row.newest).chain(&row.older)).map(|one| one.since).collect()
    }

    /// The newest version of each row, in the order of the keys. Costs a sort.
    pub fn sorted(&self) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.rows.sorted().into_iter().map(|(key, versions)| (key, &versions.newest.cell))
    }

    /// The same, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.rows.iter().map(|(key, versions)| (key, &versions.newest.cell))
    }
}

/// Rows that a scan takes from a buffer at once; then it lets the writer in. Most scans end early.
const FIRST_PIECE: usize = 16;
const LONGEST_PIECE: usize = 512;

/// The rows of a range, in order.
pub(super) struct InBuffer<'b> {
    buffer: &'b Buffer,
    direction: Direction,
    sequence: u64,
    /// What was not looked at yet.
    left: Option<(Bound<Key>, Bound<Key>)>,
    piece: usize,
    found: VecDeque<(Key, Option<Cell>)>,
}

impl InBuffer<'_> {
    fn find(&mut self) {
        let Some((from, until)) = self.left.take() else { return };
        let range = KeyRange { from: from.as_ref().map(Key::as_slice), until: until.as_ref().map(Key::as_slice) };
        let committed = self.buffer.0.read();
        let there = committed.rows.range(range, self.direction);
        let as_it_was = there.filter_map(|(key, versions)| Some((key, versions.at(self.sequence)?)));
        self.found.extend(as_it_was.take(self.piece).map(|(key, cell)| (key.clone(), cell.clone())));
        drop(committed);
        if self.found.len() == self.piece
            && let Some((last, _)) = self.found.back()
        {
            let next = Bound::Excluded(last.clone());
            self.left = Some(if self.direction == Direction::Forward { (next, until) } else { (from, next) });
            self.piece = (2 * self.piece).min(LONGEST_PIECE);
        }
    }
}

impl Iterator for InBuffer<'_> {
    type Item = (Key, Option<Cell>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.found.is_empty() {
            self.find();
        }
        self.found.pop_front()
    }
}

/// Which commits views look at.
#[derive(Default)]
pub(super) struct Viewed(Mutex<BTreeMap<u64, usize>>);

/// One view, as long as it lives.
pub(super) struct Viewing {
    viewed: Arc<Viewed>,
    sequence: u64,
}

impl Viewed {
    pub fn now(&self) -> Vec<u64> {
        self.0.lock().keys().copied().collect()
    }

    /// Notes a view that looks at a commit: the newest one, while no other is made.
    pub fn view(self: &Arc<Self>, sequence: u64) -> Viewing {
        *self.0.lock().entry(sequence).or_default() += 1;
        Viewing { viewed: self.clone(), sequence }
    }
}

impl Viewing {
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl Drop for Viewing {
    fn drop(&mut self) {
        let mut viewed = self.viewed.0.lock();
        if let Some(count) = viewed.get_mut(&self.sequence) {
            *count -= 1;
            if *count == 0 {
                viewed.remove(&self.sequence);
            }
        }
    }
}
