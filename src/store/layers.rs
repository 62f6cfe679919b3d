use std::collections::VecDeque;
use std::sync::Arc;

use super::Applied;
use super::buffer::Buffer;
use super::hot::HotRows;
use crate::domain::rows::Cell;

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
