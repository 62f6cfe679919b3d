use crate::domain::rows::{Cell, Direction, HashedKey, InOrder, Key, KeyRange, Keyed};

/// Bytes that it takes to find a row, about: its place, by a hash, in a table that is two thirds full.
const PLACE: usize = 24;

/// Memory for rows, without any.
#[derive(Default)]
pub(super) struct Memory(Keyed<Versions>);

/// Rows in memory, each with the versions that a view may ask for.
pub(super) struct VersionedRows {
    rows: Keyed<Versions>,
    bytes: usize,
}

/// What a commit made of a row, and what it was before, as far as a view may ask for that.
struct Versions {
    /// The commit. 0: it was read from a table.
    since: u64,
    /// None: the row is gone.
    cell: Option<Cell>,
    before: Option<Box<Versions>>,
}

impl VersionedRows {
    pub fn new(memory: Memory) -> Self {
        Self { rows: memory.0, bytes: 0 }
    }

    /// Without any, and with memory for as many.
    pub fn empty_like(&self, mut memory: Memory) -> Self {
        memory.0.reserve_like(&self.rows);
        Self::new(memory)
    }

    /// Forgets the rows, and calls `meanwhile` for each. What is left is the memory for others: to grow it anew, page by page
    /// and map by map, was a third of what commits cost.
    pub fn into_memory(mut self, meanwhile: impl Fn()) -> Memory {
        self.rows.give(&mut (), |(), _| (), |(), _, _| meanwhile());
        Memory(self.rows)
    }

    /// Bytes that all of it takes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Puts what a commit made of a row. `viewed`: the commits that views look at, in order.
    pub fn put(&mut self, key: HashedKey, since: u64, cell: Option<Cell>, viewed: &[u64]) {
        let fresh = Versions::new(since, cell);
        let (mut gained, mut lost) = (entry_bytes(&key, &fresh), 0);
        self.rows.put(key, fresh, |row, fresh| {
            lost = row.bytes();
            row.renew(fresh, viewed);
            gained = row.bytes();
        });
        self.bytes = self.bytes + gained - lost;
    }

    /// Puts a row as tables have it, unless there is one.
    pub fn keep(&mut self, key: HashedKey, cell: Option<Cell>) {
        let read = Versions::new(0, cell);
        let mut gained = entry_bytes(&key, &read);
        self.rows.put(key, read, |_, _| gained = 0);
        self.bytes += gained;
    }

    /// What a row was after a commit; none if it is not here.
    pub fn get(&self, key: &[u8], sequence: u64) -> Option<Option<Cell>> {
        self.rows.get(key)?.at(sequence).cloned()
    }

    /// What a row is after the newest commit.
    pub fn newest(&self, key: &HashedKey) -> Option<&Option<Cell>> {
        self.rows.get_hashed(key).map(|row| &row.cell)
    }

    /// Goes to where rows are, before they are looked for or put.
    pub fn approach<'k>(&self, keys: impl IntoIterator<Item = &'k HashedKey>) {
        self.rows.approach(keys, Versions::near);
    }

    /// What the rows of a range were after a commit, in order.
    pub fn range<'r>(
        &'r self,
        range: KeyRange<'_>,
        direction: Direction,
        sequence: u64,
    ) -> impl Iterator<Item = (&'r Key, &'r Option<Cell>)> {
        let rows: InOrder<'r, Versions> = self.rows.range(range, direction);
        rows.filter_map(move |(key, versions)| Some((key, versions.at(sequence)?)))
    }

    /// The newest version of each row that was committed, in the order of the keys. Costs a sort, which calls `meanwhile` again
    /// and again.
    pub fn sorted(&self, meanwhile: impl Fn()) -> impl Iterator<Item = (&Key, &Option<Cell>)> {
        let rows = self.rows.sorted(Versions::near, meanwhile);
        rows.filter(|(_, newest)| newest.since > 0).map(|(key, newest)| (key, &newest.cell))
    }

    /// The commits that a row's versions are of, newest first.
    #[cfg(test)]
    pub fn versions(&self, key: &[u8]) -> Vec<u64> {
        self.rows.get(key).into_iter().flat_map(Versions::all).map(|version| version.since).collect()
    }
}

fn entry_bytes(key: &Key, versions: &Versions) -> usize {
    PLACE + key.as_slice().len().max(size_of::<Key>()) + versions.bytes()
}

impl Versions {
    fn new(since: u64, cell: Option<Cell>) -> Self {
        Self { since, cell, before: None }
    }

    fn at(&self, sequence: u64) -> Option<&Option<Cell>> {
        self.all().find(|version| version.since <= sequence).map(|version| &version.cell)
    }

    fn near(&self) -> u64 {
        self.cell.as_ref().map_or(0, Cell::near)
    }

    /// Newest first.
    fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |version| version.before.as_deref())
    }

    /// Puts a newer one on top, and forgets those that no view looks at.
    fn renew(&mut self, newer: Self, viewed: &[u64]) {
        let older = std::mem::replace(self, newer);
        if viewed.is_empty() {
            return;
        }
        let mut until = self.since;
        let (mut left, mut kept) = (Some(Box::new(older)), &mut self.before);
        while let Some(mut version) = left {
            left = version.before.take();
            let first = viewed.partition_point(|view| *view < version.since);
            let seen = viewed.get(first).is_some_and(|view| *view < until);
            until = version.since;
            if seen {
                kept = &mut kept.insert(version).before;
            }
        }
    }

    /// Bytes that they take in memory, about.
    fn bytes(&self) -> usize {
        let one = |version: &Self| size_of::<Self>() + version.cell.as_ref().map_or(0, Cell::size);
        self.all().map(one).sum()
    }
}
