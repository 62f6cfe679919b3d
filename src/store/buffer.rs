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

use itertools::Itertools as _;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use super::Applied;
use super::hot::HotRows;
use super::versions::{Memory, VersionedRows};
use super::writer::assert_row;
use crate::domain::rows::{Cell, Changes, Direction, HashedKey, Key, KeyRange, Taker};

/// Rows in memory. One thread writes; readers see what was committed when they came.
pub(super) struct Buffer {
    committed: RwLock<Committed>,
    hot: Arc<HotRows>,
}

/// What the commits so far have come to, but for the hot rows.
pub(super) struct Committed {
    rows: VersionedRows,
    /// The number of the newest commit, which counts on from buffer to buffer.
    pub sequence: u64,
    pub applied: Option<Applied>,
    /// Of the newest commit before this buffer.
    began: u64,
}

/// All rows of a buffer as they are, while nothing is committed.
pub(super) struct Contents<'b> {
    committed: RwLockReadGuard<'b, Committed>,
    hot: RwLockReadGuard<'b, VersionedRows>,
}

impl Buffer {
    /// The first one.
    pub fn new(applied: Option<Applied>) -> Self {
        let [rows, hot] = [(); 2].map(|()| VersionedRows::new(Memory::default()));
        Self::with(rows, hot, 0, applied)
    }

    /// An empty one that goes on after this one, in the memory of earlier ones. Where those leave too little it is taken now:
    /// to move all rows to a larger map takes 10 ms later, while everybody waits.
    pub fn next(&self, rows: Memory, hot: Memory) -> Self {
        let before = self.contents();
        let (rows, hot) = (before.committed.rows.empty_like(rows), before.hot.empty_like(hot));
        Self::with(rows, hot, before.committed.sequence, before.applied())
    }

    fn with(rows: VersionedRows, hot: VersionedRows, sequence: u64, applied: Option<Applied>) -> Self {
        let committed = RwLock::new(Committed { rows, sequence, began: sequence, applied });
        Self { committed, hot: Arc::new(HotRows::new(hot)) }
    }

    /// Forgets the rows, but not the hot ones. `meanwhile` as in [`VersionedRows::into_memory`].
    pub fn into_memory(self, meanwhile: impl Fn()) -> Memory {
        self.committed.into_inner().rows.into_memory(meanwhile)
    }

    pub fn hot(&self) -> &Arc<HotRows> {
        &self.hot
    }

    /// Adds a commit: readers see all of it or nothing. `viewed`: the commits that views look at, in order. Gives the bytes
    /// of all rows, about.
    pub fn commit(&self, changes: &mut Changes, applied: Applied, viewed: impl FnOnce() -> Vec<u64>) -> usize {
        // Before anything of it is there.
        changes.iter().for_each(|(key, _)| assert_row(key));
        let mut committed = self.committed.write();
        let mut hot = self.hot.write();
        let Committed { rows, sequence, began, .. } = &mut *committed;
        // No view comes to be meanwhile, and one that is older than this buffer has no row of it.
        let mut viewed = viewed();
        viewed.retain(|view| view > began);
        *sequence += 1;
        changes.give(&mut Commit { rows, hot: &mut hot, sequence: *sequence, viewed: &viewed });
        committed.applied = Some(applied);
        committed.rows.bytes() + hot.bytes()
    }

    /// What was committed, but for the hot rows, while nothing is.
    pub fn committed(&self) -> RwLockReadGuard<'_, Committed> {
        self.committed.read()
    }

    pub fn contents(&self) -> Contents<'_> {
        Contents { committed: self.committed.read(), hot: self.hot.read() }
    }

    /// What a row was after a commit; none if this buffer does not know.
    pub fn get(&self, key: &[u8], sequence: u64) -> Option<Option<Cell>> {
        match HotRows::table(key) {
            Some(_) => self.hot.get(key, sequence),
            None => self.committed.read().rows.get(key, sequence),
        }
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
}

impl Contents<'_> {
    /// The place that they hold.
    pub fn applied(&self) -> Option<Applied> {
        self.committed.applied
    }

    /// What a row is after the newest commit; none if this buffer does not know.
    pub fn get(&self, key: &HashedKey) -> Option<&Option<Cell>> {
        let rows = if HotRows::table(key.as_slice()).is_some() { &*self.hot } else { &self.committed.rows };
        rows.newest(key)
    }

    /// Goes to where rows are, before they are looked for.
    pub fn approach<'k>(&self, keys: impl Iterator<Item = &'k HashedKey> + Clone) {
        approach(&self.committed.rows, &self.hot, keys);
    }

    /// The newest version of each row that was committed, in the order of the keys. `meanwhile` as in
    /// [`VersionedRows::sorted`].
    pub fn sorted(&self, meanwhile: impl Fn() + Copy) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.committed.rows.sorted(meanwhile).merge_by(self.hot.sorted(meanwhile), |(a, _), (b, _)| a < b)
    }
}

/// A commit on its way into a buffer.
struct Commit<'b> {
    rows: &'b mut VersionedRows,
    hot: &'b mut VersionedRows,
    sequence: u64,
    viewed: &'b [u64],
}

impl Taker for Commit<'_> {
    fn prepare(&self, next: &[&HashedKey]) {
        approach(self.rows, self.hot, next.iter().copied());
    }

    fn take(&mut self, key: HashedKey, cell: Option<Cell>) {
        let rows = if HotRows::table(key.as_slice()).is_some() { &mut self.hot } else { &mut self.rows };
        rows.put(key, self.sequence, cell, self.viewed);
    }
}

fn approach<'k>(rows: &VersionedRows, hot: &VersionedRows, keys: impl Iterator<Item = &'k HashedKey> + Clone) {
    let is_hot = |key: &&HashedKey| HotRows::table(key.as_slice()).is_some();
    rows.approach(keys.clone().filter(|key| !is_hot(key)));
    hot.approach(keys.filter(is_hot));
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
        let contents = self.buffer.contents();
        let (direction, sequence) = (self.direction, self.sequence);
        let [cold, hot] = [&contents.committed.rows, &*contents.hot].map(|rows| rows.range(range, direction, sequence));
        // A walk finds all of it in one of them.
        self.found.extend(cold.chain(hot).take(self.piece).map(|(key, cell)| (key.clone(), cell.clone())));
        drop(contents);
        if self.piece == usize::MAX {
            self.found.make_contiguous().sort_by(|(a, _), (b, _)| match direction {
                Direction::Forward => a.cmp(b),
                Direction::Backward => b.cmp(a),
            });
        }
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
