use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::{Changes, Direction, Key, KeyRange, Row, Rows, RowsError};

/// The rows as they are after the records folded so far: changes that are not committed yet, over the committed rows.
pub struct Overlay<'a> {
    base: &'a dyn Rows,
    changes: BTreeMap<Bytes, Option<Bytes>>,
}

impl<'a> Overlay<'a> {
    pub fn new(base: &'a dyn Rows) -> Self {
        Self { base, changes: BTreeMap::new() }
    }

    pub fn put<R: Row>(&mut self, key: Key, row: &R) {
        self.changes.insert(key.into_bytes(), Some(row.encode()));
    }

    pub fn delete(&mut self, key: Key) {
        self.changes.insert(key.into_bytes(), None);
    }

    /// Deletes a key that a scan gave.
    pub fn delete_raw(&mut self, key: Bytes) {
        self.changes.insert(key, None);
    }

    /// Takes over the changes of a batch that was folded over this overlay.
    pub fn apply(&mut self, changes: Changes) {
        self.changes.extend(changes);
    }

    /// Every changed key once, in order.
    pub fn into_changes(self) -> Changes {
        self.changes.into_iter().collect()
    }

    pub fn changed(&self) -> usize {
        self.changes.len()
    }
}

impl Rows for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.get(key),
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
        let changes = self.changes.range::<[u8], _>((range.from, range.until));
        let mut changes: Box<dyn Iterator<Item = (&Bytes, &Option<Bytes>)>> =
            if forward { Box::new(changes) } else { Box::new(changes.rev()) };
        let mut next = changes.next();
        let mut stopped = None;
        let comes_first = |a: &[u8], b: &[u8]| if forward { a < b } else { a > b };
        self.base.scan(range, direction, &mut |key, value| {
            while let Some((changed, change)) = next
                && comes_first(changed, key)
            {
                next = changes.next();
                if let Some(change) = change
                    && let ControlFlow::Break(result) = visit(changed, change)
                {
                    stopped = Some(result);
                    return ControlFlow::Break(Ok(()));
                }
            }
            let flow = match next {
                Some((changed, change)) if changed.as_ref() == key => {
                    next = changes.next();
                    change.as_ref().map_or(ControlFlow::Continue(()), |change| visit(changed, change))
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
                && let ControlFlow::Break(result) = visit(changed, change)
            {
                return result;
            }
        }
        Ok(())
    }
}

/// Rows in a map: for tests, and below the first checkpoint.
#[derive(Clone, Default)]
pub struct MapRows(BTreeMap<Bytes, Bytes>);

impl MapRows {
    pub fn apply(&mut self, changes: &Changes) {
        for (key, change) in changes {
            match change {
                Some(value) => self.0.insert(key.clone(), value.clone()),
                None => self.0.remove(key),
            };
        }
    }

    /// Keeps the rows that `keep` wants, as a compaction does.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        self.0.retain(|key, value| keep(key, value));
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
        let mut found: Box<dyn Iterator<Item = (&Bytes, &Bytes)>> =
            if direction == Direction::Forward { Box::new(found) } else { Box::new(found.rev()) };
        found
            .find_map(|(key, value)| match visit(key, value) {
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

    fn all(rows: &dyn Rows, direction: Direction) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        let range = KeyRange { from: Bound::Included(&[2]), until: Bound::Excluded(&[30]) };
        rows.scan(range, direction, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    proptest! {
        #[test]
        fn an_overlay_reads_like_the_map_with_its_changes_applied(
            base in prop::collection::btree_map(0u8..40, any::<u8>(), 0..20),
            changes in prop::collection::btree_map(0u8..40, any::<Option<u8>>(), 0..20),
        ) {
            let bytes = |byte: u8| Bytes::copy_from_slice(&[byte]);
            let base = MapRows(base.into_iter().map(|(key, value)| (bytes(key), bytes(value))).collect());
            let mut overlay = Overlay::new(&base);
            overlay.changes = changes.into_iter().map(|(key, value)| (bytes(key), value.map(bytes))).collect();
            let mut merged = base.clone();
            merged.apply(&overlay.changes.clone().into_iter().collect());
            for direction in [Direction::Forward, Direction::Backward] {
                prop_assert_eq!(all(&overlay, direction), all(&merged, direction));
            }
            for key in 0u8..40 {
                prop_assert_eq!(overlay.get(&[key]).unwrap(), merged.get(&[key]).unwrap());
            }
        }
    }
}
