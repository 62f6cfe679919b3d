use smallvec::SmallVec;

use super::keyed::{HashedKey, InOrder, Keyed, TOGETHER};
use super::{Cell, Direction, Key, KeyRange};

/// A batch as large as this leaves memory behind that is too much for the next one.
const KEPT: usize = 1 << 16;

/// Who takes changes over.
pub trait Taker {
    /// Hears of those that come next, before the first of them.
    fn prepare(&self, _next: &[&HashedKey]) {}

    fn take(&mut self, key: HashedKey, cell: Option<Cell>);
}

/// What a fold leaves behind: each changed key once, with its new value or none if the row is gone. Beside them it holds what
/// the fold has read and not changed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    rows: Keyed<Seen>,
    /// How many of the rows were read only.
    read: usize,
}

/// A row that a fold has read or changed; its absence as well.
#[derive(Clone, Debug)]
struct Seen {
    cell: Option<Cell>,
    changed: bool,
}

impl Seen {
    fn change(&self) -> Option<&Option<Cell>> {
        self.changed.then_some(&self.cell)
    }
}

impl Changes {
    /// Notes the value of a row, or that it is gone.
    pub fn set(&mut self, key: Key, cell: Option<Cell>) {
        self.take(key.into(), cell);
    }

    /// What became of a key; `None` if it did not change.
    pub fn get(&self, key: &[u8]) -> Option<&Option<Cell>> {
        self.rows.get(key)?.change()
    }

    /// What a row is, if it was read or changed.
    pub(super) fn seen(&self, key: &[u8]) -> Option<&Option<Cell>> {
        self.rows.get(key).map(|seen| &seen.cell)
    }

    /// Keeps a row that was read.
    pub(super) fn keep(&mut self, key: Key, cell: Option<Cell>) {
        self.read += usize::from(self.rows.keep(key.into(), Seen { cell, changed: false }));
    }

    /// Reads rows together, those of them that are not here yet.
    pub(super) fn keep_all<E>(
        &mut self,
        keys: impl Iterator<Item = Key>,
        read: impl FnOnce(&[&HashedKey]) -> Result<Vec<Option<Cell>>, E>,
    ) -> Result<(), E> {
        let before = self.rows.len();
        keys.for_each(|key| self.keep(key, None));
        let (keys, seen): (Vec<_>, Vec<_>) = self.rows.after(before).unzip();
        for (seen, cell) in seen.into_iter().zip(read(&keys)?) {
            seen.cell = cell;
        }
        Ok(())
    }

    /// How many rows were read only.
    pub(super) fn read(&self) -> usize {
        self.read
    }

    pub fn len(&self) -> usize {
        self.rows.len() - self.read
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything and keeps the memory for the next batch, unless it was an unusually large one.
    pub fn clear(&mut self) {
        if self.rows.capacity() > KEPT {
            self.rows = Keyed::default();
        }
        self.rows.clear();
        self.read = 0;
    }

    /// Every change, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.rows.iter().filter_map(|(key, seen)| Some((key, seen.change()?)))
    }

    /// Gives every change away, in no order, and keeps the memory for the next batch.
    pub fn give(&mut self, to: &mut impl Taker) {
        self.read = 0;
        self.rows.give(
            to,
            |to, next| {
                let changed = next.iter().filter(|(_, seen)| seen.changed).map(|(key, _)| key);
                to.prepare(&changed.collect::<SmallVec<[_; TOGETHER]>>());
            },
            |to, key, seen| {
                if seen.changed {
                    to.take(key, seen.cell);
                }
            },
        );
    }

    /// Every change in the order of the keys. Costs a sort.
    pub fn sorted(&self) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.rows.sorted(|_| 0, || ()).filter_map(|(key, seen)| Some((key, seen.change()?)))
    }

    /// The changes within a range of keys, in order. Where the range is no walk within a run it costs a look at all changes.
    pub fn range<'c>(&'c self, range: KeyRange<'_>, direction: Direction) -> InOrder<'c, Option<Cell>> {
        Box::new(self.rows.range(range, direction).filter_map(|(key, seen)| Some((key, seen.change()?))))
    }
}

impl Taker for Changes {
    fn take(&mut self, key: HashedKey, cell: Option<Cell>) {
        let Self { rows, read } = self;
        rows.put(key, Seen { cell, changed: true }, |before, now| {
            *read -= usize::from(!before.changed);
            *before = now;
        });
    }
}

impl PartialEq for Changes {
    fn eq(&self, other: &Self) -> bool {
        self.sorted().eq(other.sorted())
    }
}

impl<K: AsRef<[u8]>, C: Into<Cell>> FromIterator<(K, Option<C>)> for Changes {
    fn from_iter<I: IntoIterator<Item = (K, Option<C>)>>(rows: I) -> Self {
        let mut changes = Self::default();
        rows.into_iter().for_each(|(key, cell)| changes.set(Key::from(key.as_ref()), cell.map(Into::into)));
        changes
    }
}
