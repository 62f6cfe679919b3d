//! Three partitions in one thread, driven by one seed: requests, folds in batches of any size, crashes between any two
//! steps, new owners and paused ones that wake up, couriers that repeat, leave gaps and come late.

mod carry;
mod dump;
mod home;
mod oracle;
mod requests;
mod world;

use crate::explore::{Dice, Step, explore};
use world::World;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Somebody asks his home for something, which appends it.
    Request,
    /// Somebody asks again for what he asked before.
    Retry,
    /// A home folds some records and commits them.
    Fold,
    /// A home folds some records, and its batch is lost.
    FoldInVain,
    /// What is committed in a home becomes durable.
    Flush,
    /// A home loses what is not durable.
    Crash,
    /// Another owner takes a home over; the old one does not know it yet.
    Takeover,
    /// An earlier owner appends what it still had.
    Zombie,
    /// A courier carries.
    Carry,
    /// A record that a courier held back is appended.
    CarryLate,
    /// Compaction takes rows that expired.
    Compact,
    /// Time passes.
    Wait,
    /// A home is built again from its log and compared.
    Rebuild,
}

const KINDS: &[(usize, Kind)] = &[
    (300, Kind::Request),
    (30, Kind::Retry),
    (200, Kind::Fold),
    (20, Kind::FoldInVain),
    (20, Kind::Flush),
    (8, Kind::Crash),
    (6, Kind::Takeover),
    (10, Kind::Zombie),
    (150, Kind::Carry),
    (30, Kind::CarryLate),
    (10, Kind::Compact),
    (20, Kind::Wait),
    (2, Kind::Rebuild),
];

#[test]
fn the_fold_survives_what_a_cluster_can_do_to_it() {
    explore("the simulation of the fold", 600, 800, KINDS, run);
}

fn run(seed: u64, steps: &[Step<Kind>]) {
    let mut world = World::new(&mut Dice::new(seed));
    for step in steps {
        let dice = &mut Dice::new(step.seed);
        let home = dice.below(world.homes.len());
        match step.kind {
            Kind::Request => world.request(dice),
            Kind::Retry => world.retry(dice),
            Kind::Fold => world.fold(home, 1 + dice.below(12)),
            Kind::FoldInVain => world.fold_in_vain(home, 1 + dice.below(12)),
            Kind::Flush => world.homes[home].flush(),
            Kind::Crash => world.homes[home].crash(),
            Kind::Takeover => world.takeover(home, dice),
            Kind::Zombie => world.zombie(home, dice),
            Kind::Carry => world.carry(dice),
            Kind::CarryLate => world.carry_late(dice),
            Kind::Compact => world.homes[home].compact(dice),
            Kind::Wait => world.wait(dice),
            Kind::Rebuild => world.compare_with_rebuild(home, dice),
        }
    }
    world.settle();
    oracle::check(&mut world, &mut Dice::new(seed));
}
