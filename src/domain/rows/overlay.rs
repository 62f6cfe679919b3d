use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::{Cell, Changes, Direction, Hot, HotRow, Key, KeyRange, Row, Rows, RowsError, Visited, Visitor};

/// Rows that were read and are not changed are kept up to so many: a walk over a long list asks for none of them again.
const READ: usize = 1 << 13;

/// Changes over rows that do not have them yet. What was read below is kept beside them: a batch asks for the same few rows
/// again and again.
pub struct Overlay<'a> {
    base: &'a dyn Rows,
    seen: RefCell<Changes>,
}

impl<'a> Overlay<'a> {
    pub fn new(base: &'a dyn Rows) -> Self {
        Self { base, seen: RefCell::default() }
    }

    /// The same rows without any change, and with the memory of earlier changes.
    #[must_use]
    pub fn reusing(self, spare: Changes) -> Self {
        Self { seen: RefCell::new(spare), ..self }
    }

    /// Reads rows that will be asked for, all together, which costs less than one after the other.
    ///
    /// # Errors
    /// If a row cannot be read. Nothing may be read here any more.
    pub fn read_ahead(&mut self, keys: impl Iterator<Item = Key>) -> Result<(), RowsError> {
        self.seen.get_mut().keep_all(keys, |keys| self.base.cells(keys))
    }

    pub fn put<R: Row>(&mut self, key: Key, row: &R) {
        self.seen.get_mut().set(key, Some(row.cell()));
    }

    pub fn put_hot<R: HotRow>(&mut self, key: Key, row: Hot<R>) {
        self.seen.get_mut().set(key, Some(R::held(row)));
    }

    pub fn delete(&mut self, key: Key) {
        self.seen.get_mut().set(key, None);
    }

    /// Takes over the changes of a batch that was folded over this overlay.
    pub fn apply(&mut self, changes: &mut Changes) {
        changes.give(self.seen.get_mut());
    }

    pub fn into_changes(self) -> Changes {
        self.seen.into_inner()
    }

    pub fn changed(&self) -> usize {
        self.seen.borrow().len()
    }
}

impl Rows for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        Ok(self.cell(key)?.as_ref().map(Cell::bytes))
    }

    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        if let Some(seen) = self.seen.borrow().seen(key) {
            return Ok(seen.clone());
        }
        let cell = self.base.cell(key)?;
        // Within a walk they stay as they are.
        if let Ok(mut seen) = self.seen.try_borrow_mut()
            && seen.read() < READ
        {
            seen.keep(Key::from(key), cell.clone());
        }
        Ok(cell)
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Visited,
    ) -> Result<(), RowsError> {
        let seen = self.seen.borrow();
        let changes = seen.range(range, direction);
        scan_merged(changes, direction, &mut |visit| self.base.scan(range, direction, visit), visit)
    }
}

/// Visits the rows that `below` visits as they are with some changes, which come in the same order: a change hides the row
/// with its key.
///
/// # Errors
/// What `below` fails with, or what `visit` broke with.
pub fn scan_merged<K: Borrow<Key>, C: Borrow<Option<Cell>>>(
    mut changes: impl Iterator<Item = (K, C)>,
    direction: Direction,
    below: &mut dyn FnMut(&mut Visitor<'_>) -> Result<(), RowsError>,
    visit: &mut Visitor<'_>,
) -> Result<(), RowsError> {
    let Some(first) = changes.next() else { return below(visit) };
    let mut next = Some(first);
    let comes_first = |a: &[u8], b: &[u8]| if direction == Direction::Forward { a < b } else { a > b };
    // Takes the next change and shows it, if it is no deletion.
    let mut show = |next: &mut Option<(K, C)>, visit: &mut Visitor<'_>| {
        let Some((key, cell)) = std::mem::replace(next, changes.next()) else { return ControlFlow::Continue(()) };
        let key: &Key = key.borrow();
        cell.borrow().as_ref().map_or(ControlFlow::Continue(()), |cell| visit(key.as_slice(), &cell.bytes()))
    };
    let mut stopped = None;
    below(&mut |key, value| {
        let flow = loop {
            match next.as_ref().map(|(changed, _)| changed.borrow().as_slice()) {
                Some(changed) if comes_first(changed, key) => {
                    if let ControlFlow::Break(result) = show(&mut next, visit) {
                        break ControlFlow::Break(result);
                    }
                }
                Some(changed) if changed == key => break show(&mut next, visit),
                _ => break visit(key, value),
            }
        };
        flow.map_break(|result| {
            stopped = Some(result);
            Ok(())
        })
    })?;
    if let Some(result) = stopped {
        return result;
    }
    while next.is_some() {
        if let ControlFlow::Break(result) = show(&mut next, visit) {
            return result;
        }
    }
    Ok(())
}

/// Rows in a map: for tests, and below the first checkpoint.
#[derive(Clone, Default)]
pub struct MapRows(BTreeMap<Key, Bytes>);

impl MapRows {
    pub fn apply(&mut self, changes: &Changes) {
        for (key, change) in changes.iter() {
            match change {
                Some(cell) => self.0.insert(key.clone(), cell.bytes()),
                None => self.0.remove(key),
            };
        }
    }

    /// Keeps the rows that `keep` wants, as a compaction does.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        self.0.retain(|key, value| keep(key.as_slice(), value));
    }
}

impl Rows for MapRows {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<Result<(), RowsError>>,
    ) -> Result<(), RowsError> {
        let found = self.0.range::<[u8], _>((range.from, range.until));
        let mut found: Box<dyn Iterator<Item = (&Key, &Bytes)>> =
            if direction == Direction::Forward { Box::new(found) } else { Box::new(found.rev()) };
        found
            .find_map(|(key, value)| match visit(key.as_slice(), value) {
                ControlFlow::Continue(()) => None,
                ControlFlow::Break(result) => Some(result),
            })
            .unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use prop::collection::btree_map;
    use prop::sample::select;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::rows::Table;

    type Found = Vec<(Vec<u8>, Vec<u8>)>;

    fn all(rows: &dyn Rows, range: KeyRange<'_>, direction: Direction) -> Found {
        let mut found = Vec::new();
        rows.scan(range, direction, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    /// Keys of tables that a fold walks over and of tables that it does not, of few accounts, many of them of one.
    fn key() -> impl Strategy<Value = Vec<u8>> {
        use Table::{Account, Broadcast, Conversation, History, Outbox, Relation, Timeline};
        let table = select(vec![Timeline, Timeline, History, Relation, Outbox, Broadcast, Account, Conversation]);
        let name = select(vec!["a", "a", "ab", "b"]);
        (table, name.clone(), name, 0..60_u8).prop_map(|(table, name, peer, number)| {
            let key = match table {
                Outbox => Key::of(table).u32(name.len() as u32),
                Broadcast => Key::of(table),
                History | Conversation => Key::of(table).text(name).text(peer),
                _ => Key::of(table).text(name),
            };
            key.u64(number.into()).into_bytes()
        })
    }

    /// Where a walk begins or ends: at a key, at what some keys begin with, or behind all of those.
    fn edge() -> impl Strategy<Value = Vec<u8>> {
        (key(), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(mut key, length, behind)| {
            key.truncate(1 + length.index(key.len()));
            if behind { Key::from(key.as_slice()).end_of_prefix() } else { key }
        })
    }

    fn bound(edge: &[u8], included: bool) -> Bound<&[u8]> {
        if included { Bound::Included(edge) } else { Bound::Excluded(edge) }
    }

    proptest! {
        #[test]
        fn an_overlay_reads_like_the_map_with_its_changes_applied(
            base in btree_map(key(), any::<u8>(), 0..60),
            changes in prop::collection::vec((key(), any::<Option<u8>>()), 0..300),
            ahead in prop::collection::vec(key(), 0..100),
            walks in prop::collection::vec((edge(), any::<bool>(), edge(), any::<bool>()), 20),
        ) {
            let bytes = |byte: u8| Bytes::copy_from_slice(&[byte]);
            let base = MapRows(base.into_iter().map(|(at, value)| (Key::from(at.as_slice()), bytes(value))).collect());
            let keys: Vec<_> = changes.iter().map(|(key, _)| key.clone()).collect();
            let changes: Changes =
                changes.into_iter().map(|(at, value)| (at, value.map(bytes).map(Cell::from))).collect();
            prop_assert!(changes.sorted().is_sorted_by(|(a, _), (b, _)| a < b));
            prop_assert_eq!(changes.sorted().count(), changes.len());
            let mut merged = base.clone();
            merged.apply(&changes);
            let mut overlay = Overlay::new(&base).reusing(changes.clone());
            overlay.read_ahead(ahead.iter().map(|at| Key::from(at.as_slice()))).unwrap();
            for (from, from_it, until, until_it) in &walks {
                let range = KeyRange { from: bound(from, *from_it), until: bound(until, *until_it) };
                let from_there = from < until || from == until && *from_it && *until_it;
                for direction in [Direction::Forward, Direction::Backward].into_iter().filter(|_| from_there) {
                    prop_assert_eq!(all(&overlay, range, direction), all(&merged, range, direction));
                }
            }
            for key in keys.iter().chain(&ahead) {
                prop_assert_eq!(overlay.get(key).unwrap(), merged.get(key).unwrap());
                prop_assert_eq!(overlay.cell(key).unwrap(), merged.cell(key).unwrap());
            }
            prop_assert_eq!((overlay.changed(), changes.iter().count()), (changes.len(), changes.len()));
            // What was read is changed like any other row.
            let mut changes = changes;
            for at in ahead.iter().take(20) {
                overlay.delete(Key::from(at.as_slice()));
                changes.set(Key::from(at.as_slice()), None);
                prop_assert_eq!(overlay.cell(at).unwrap(), None);
            }
            prop_assert_eq!(overlay.into_changes(), changes);
        }
    }
}
