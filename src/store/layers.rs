use std::collections::VecDeque;
use std::sync::Arc;

use super::Applied;
use super::buffer::Buffer;
use super::hot::HotRows;
use crate::domain::rows::{Cell, HashedKey};

/// The rows that are in memory, from newer to older ones.
pub(super) struct Layers {
    pub active: Arc<Buffer>,
    /// What becomes a table at this moment.
    pub frozen: Option<Arc<Buffer>>,
    /// Of buffers that have become tables.
    warm: VecDeque<Arc<HotRows>>,
}

impl Layers {
    /// How many buffers' hot rows stay after they have become tables.
    const WARM: usize = 4;

    /// Without rows, at a place.
    pub fn new(applied: Option<Applied>) -> Self {
        Self { active: Arc::new(Buffer::new(applied)), frozen: None, warm: VecDeque::new() }
    }

    /// The newest version of a row, and whether it goes with the next rows that do.
    pub fn get(&self, key: &[u8]) -> Option<(Option<Cell>, bool)> {
        let mut buffers = std::iter::once(&self.active).chain(&self.frozen);
        if let Some(cell) = buffers.find_map(|buffer| buffer.get(key, u64::MAX)) {
            return Some((cell, false));
        }
        HotRows::table(key)?;
        let mut warm = self.warm.iter().enumerate();
        warm.find_map(|(place, rows)| Some((rows.get(key, u64::MAX)?, place + 1 == self.warm.len())))
    }

    /// The same of several rows, layer by layer.
    pub fn get_all(&self, keys: &[&HashedKey]) -> Vec<Option<(Option<Cell>, bool)>> {
        let mut found = vec![None; keys.len()];
        let mut left: Vec<usize> = (0..keys.len()).collect();
        for buffer in std::iter::once(&self.active).chain(&self.frozen) {
            let contents = buffer.contents();
            contents.approach(left.iter().map(|place| keys[*place]));
            left.retain(|place| {
                let cell = contents.get(keys[*place]);
                found[*place] = cell.map(|cell| (cell.clone(), false));
                found[*place].is_none()
            });
        }
        left.retain(|place| HotRows::table(keys[*place].as_slice()).is_some());
        for (place, rows) in self.warm.iter().enumerate() {
            let (rows, last) = (rows.read(), place + 1 == self.warm.len());
            rows.approach(left.iter().map(|place| keys[*place]));
            left.retain(|place| {
                let cell = rows.newest(keys[*place]);
                found[*place] = cell.map(|cell| (cell.clone(), last));
                found[*place].is_none()
            });
        }
        found
    }

    /// What became a table is no buffer any more; its hot rows stay. Gives those that go instead, so that all that stay take no
    /// more than so many bytes, or are of one buffer.
    pub fn cool(&mut self, bytes: usize) -> Vec<Arc<HotRows>> {
        let Some(frozen) = self.frozen.take() else { return Vec::new() };
        if !frozen.hot().read().is_empty() {
            self.warm.push_front(frozen.hot().clone());
        }
        let mut taken = 0;
        let stay = self.warm.iter().take(Self::WARM).take_while(|rows| {
            taken += rows.read().bytes();
            taken <= bytes
        });
        let stay = stay.count().max(1).min(self.warm.len());
        self.warm.split_off(stay).into()
    }
}
