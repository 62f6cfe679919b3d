use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::{Cell, Changes, Direction, Key, KeyRange, Row, Rows, RowsError};

/// Changes over rows that do not have them yet: while a batch is folded, and (`C` shared) while it is committed.
pub struct Overlay<'a, C = Changes> {
    base: &'a dyn Rows,
    changes: C,
}

impl<'a> Overlay<'a> {
    pub fn new(base: &'a dyn Rows) -> Self {
        Self { base, changes: Changes::default() }
    }

    pub fn put<R: Row>(&mut self, key: Key, row: &R) {
        self.changes.set(key, Some(row.cell()));
    }

    pub fn delete(&mut self, key: Key) {
        self.changes.set(key, None);
    }

    /// Takes over the changes of a batch that was folded over this overlay.
    pub fn apply(&mut self, changes: Changes) {
        self.changes.extend(changes);
    }

    pub fn into_changes(self) -> Changes {
        self.changes
    }

    pub fn changed(&self) -> usize {
        self.changes.len()
    }
}

impl<'a, C: Borrow<Changes>> Overlay<'a, C> {
    /// Rows as they will be once these changes are committed to them.
    pub fn over(base: &'a dyn Rows, changes: C) -> Self {
        Self { base, changes }
    }
}

impl<C: Borrow<Changes>> Rows for Overlay<'_, C> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        match self.changes.borrow().get(key) {
            Some(change) => Ok(change.as_ref().map(Cell::bytes)),
            None => self.base.get(key),
        }
    }

    fn cell(&self, key: &[u8]) -> Result<Option<Cell>, RowsError> {
        match self.changes.borrow().get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.cell(key),
        }
    }

    /// Merges the two sorted runs; a change hides the committed row with its key.
    fn scan(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<Result<(), RowsError>>,
    ) -> Result<(), RowsError> {
        let forward = direction == Direction::Forward;
        let mut changes = self.changes.borrow().range(range, direction);
        let mut next = changes.next();
        let mut stopped = None;
        let comes_first = |a: &[u8], b: &[u8]| if forward { a < b } else { a > b };
        self.base.scan(range, direction, &mut |key, value| {
            while let Some((changed, change)) = next
                && comes_first(changed.as_slice(), key)
            {
                next = changes.next();
                if let Some(change) = change
                    && let ControlFlow::Break(result) = visit(changed.as_slice(), &change.bytes())
                {
                    stopped = Some(result);
                    return ControlFlow::Break(Ok(()));
                }
            }
            let flow = match next {
                Some((changed, change)) if changed.as_slice() == key => {
                    next = changes.next();
                    change.as_ref().map_or(ControlFlow::Continue(()), |change| visit(key, &change.bytes()))
                }
                _ => visit(key, value),
            };
            match flow {
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
                ControlFlow::Break(result) => {
                    stopped = Some(result);
                    ControlFlow::Break(Ok(()))
                }
            }
        })?;
        if let Some(result) = stopped {
            return result;
        }
        while let Some((changed, change)) = next {
            next = changes.next();
            if let Some(change) = change
                && let ControlFlow::Break(result) = visit(changed.as_slice(), &change.bytes())
            {
                return result;
            }
        }
        Ok(())
    }
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

    use proptest::prelude::*;

    use super::*;

    fn all(rows: &dyn Rows, from: u8, until: u8, direction: Direction) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        let (from, until) = ([from.min(until)], [from.max(until)]);
        let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&until) };
        rows.scan(range, direction, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    /// Keys of tables with an order in the changes and of tables without.
    const TABLES: std::ops::Range<u8> = 0..40;

    proptest! {
        #[test]
        fn an_overlay_reads_like_the_map_with_its_changes_applied(
            base in prop::collection::btree_map(TABLES, any::<u8>(), 0..20),
            changes in prop::collection::btree_map(TABLES, any::<Option<u8>>(), 0..20),
            (from, until) in (TABLES, TABLES),
        ) {
            let bytes = |byte: u8| Bytes::copy_from_slice(&[byte]);
            let key = |byte: u8| Key::from([byte].as_slice());
            let base = MapRows(base.into_iter().map(|(at, value)| (key(at), bytes(value))).collect());
            let changes: Changes =
                changes.into_iter().map(|(at, value)| (key(at), value.map(bytes).map(Cell::from))).collect();
            let mut merged = base.clone();
            merged.apply(&changes);
            let overlay = Overlay::over(&base, changes);
            for direction in [Direction::Forward, Direction::Backward] {
                prop_assert_eq!(all(&overlay, from, until, direction), all(&merged, from, until, direction));
            }
            for key in TABLES {
                prop_assert_eq!(overlay.get(&[key]).unwrap(), merged.get(&[key]).unwrap());
            }
        }
    }
}
