use super::keyed::{InOrder, Keyed};
use super::{Cell, Direction, Key, KeyRange};

/// A batch as large as this leaves memory behind that is too much for the next one.
const KEPT: usize = 1 << 16;

/// What a fold leaves behind: each changed key once, with its new value or none if the row is gone.
#[derive(Clone, Debug, Default)]
pub struct Changes(Keyed<Option<Cell>>);

impl Changes {
    /// Notes the value of a row, or that it is gone.
    pub fn set(&mut self, key: Key, cell: Option<Cell>) {
        self.0.put(key, cell, |before, cell| *before = cell);
    }

    /// What became of a key; `None` if it did not change.
    pub fn get(&self, key: &[u8]) -> Option<&Option<Cell>> {
        self.0.get(key)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets everything and keeps the memory for the next batch, unless it was an unusually large one.
    pub fn clear(&mut self) {
        if self.0.capacity() > KEPT {
            self.0 = Keyed::default();
        }
        self.0.clear();
    }

    /// Every change, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.0.iter()
    }

    /// Gives every change away, in no order, and keeps the memory for the next batch.
    pub fn give(&mut self, each: impl FnMut(Key, Option<Cell>)) {
        self.0.give(each);
    }

    /// Every change in the order of the keys. Costs a sort.
    pub fn sorted(&self) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        self.0.sorted()
    }

    /// The changes within a range of keys, in order. Where the range is no walk within a run it costs a look at all changes.
    pub fn range<'c>(&'c self, range: KeyRange<'_>, direction: Direction) -> InOrder<'c, Option<Cell>> {
        self.0.range(range, direction)
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
