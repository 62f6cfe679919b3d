use duolog::domain::rows::PositionRow;
use duolog::domain::rows::get;
use duolog::engine::courier::{carried, reported, waiting};
use duolog::log::{Log, Record};
use duolog_topics::Stamp;

use super::world::World;
use crate::explore::Dice;

/// The records that wait for a destination above a number.
fn take(world: &mut World, source: usize, destination: usize, after: u64, dice: &mut Dice) -> Vec<Record> {
    let meta = world.homes[source].meta();
    let time = world.homes[destination].clock;
    let rows = waiting(&world.homes[source].state.rows, destination as u32, after).unwrap();
    rows.into_iter()
        .map(|(number, row)| {
            let stamp = Stamp { log_id: meta.log_id, generation: meta.generation, partition: source as u32, number };
            carried(&row, stamp, world.new_id(dice), time)
        })
        .collect()
}

impl World {
    /// Carries as a courier should, or from an older number, or with a gap, or only some, or later.
    pub fn carry(&mut self, dice: &mut Dice) {
        let (source, destination) = (dice.below(self.homes.len()), dice.below(self.homes.len()));
        if source == destination {
            return;
        }
        let at = reported(&self.homes[destination].state.rows, &self.homes[source].meta()).unwrap();
        let after = if dice.percent(20) { at.saturating_sub(dice.below(4) as u64) } else { at };
        let mut records = take(self, source, destination, after, dice);
        if dice.percent(15) && !records.is_empty() {
            records.remove(dice.below(records.len()));
        }
        if dice.percent(30) {
            records.truncate(dice.below(4));
        }
        if dice.percent(10) {
            self.held.extend(records.iter().cloned().map(|record| (destination as u32, record)));
        }
        if dice.percent(90) {
            self.log.append(destination as u32, records).unwrap();
        }
        if dice.percent(50) {
            self.note_delivered(source, destination, at);
        }
    }

    fn note_delivered(&mut self, source: usize, destination: usize, at: u64) {
        let numbers = (1..=at).map(|number| (destination as u32, number));
        self.homes[source].delivered.extend(numbers);
    }

    /// A courier that slept appends one record, whatever has been carried since.
    pub fn carry_late(&mut self, dice: &mut Dice) {
        if !self.held.is_empty() {
            let (destination, record) = self.held.swap_remove(dice.below(self.held.len()));
            self.log.append(destination, vec![record]).unwrap();
        }
    }

    /// Every courier does what it should, once; whether anything was left to do.
    pub fn carry_all(&mut self, dice: &mut Dice) -> bool {
        let mut moved = false;
        for (source, destination) in self.pairs() {
            let at = reported(&self.homes[destination].state.rows, &self.homes[source].meta()).unwrap();
            let records = take(self, source, destination, at, dice);
            moved |= !records.is_empty();
            self.log.append(destination as u32, records).unwrap();
        }
        moved
    }

    pub fn pairs(&self) -> Vec<(usize, usize)> {
        let homes = self.homes.len();
        (0..homes * homes).map(|pair| (pair / homes, pair % homes)).filter(|(one, other)| one != other).collect()
    }

    /// The last number that a source has given out to a destination.
    pub fn given_out(&self, source: usize, destination: usize) -> u64 {
        let key = PositionRow::given_out(destination as u32);
        get::<PositionRow>(&self.homes[source].state.rows, key.as_slice()).unwrap().unwrap_or_default().number
    }
}
