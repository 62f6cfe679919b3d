//! Random histories from a seed, and the shortest one that still fails.

use std::cell::Cell;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Chance that repeats: SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of these, each as likely as its weight says.
    pub fn weighted<T: Copy>(&mut self, from: &[(usize, T)]) -> T {
        let mut place = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, found) in from {
            if place < *weight {
                return *found;
            }
            place -= weight;
        }
        unreachable!("the place is below the sum of the weights")
    }
}

/// One step of a history. It brings its own chance, so that a history stays what it is when others are left out.
#[derive(Clone, Copy)]
pub struct Step<K> {
    pub kind: K,
    pub seed: u64,
}

impl<K: Debug> Debug for Step<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({:#x})", self.kind, self.seed)
    }
}

/// Runs histories of `length` steps, for seeds from 1 to `runs`; `DUOLOG_RUNS` says how many instead, `DUOLOG_SEED` which
/// one alone.
///
/// # Panics
/// If `run` does: with the seed, the steps that are enough to make it fail, and its own message last.
pub fn explore<K: Copy + Debug>(
    name: &str,
    runs: u64,
    length: usize,
    kinds: &[(usize, K)],
    run: impl Fn(u64, &[Step<K>]),
) {
    let seeds = match (number("DUOLOG_SEED"), number("DUOLOG_RUNS")) {
        (Some(seed), _) => seed..=seed,
        (None, runs_asked) => 1..=runs_asked.unwrap_or(runs),
    };
    for seed in seeds {
        let mut dice = Dice::new(seed);
        let steps: Vec<_> = (0..length).map(|_| Step { kind: dice.weighted(kinds), seed: dice.next() }).collect();
        if holds(|| run(seed, &steps)) {
            continue;
        }
        let steps = shrink(steps, |steps| !holds(|| run(seed, steps)));
        eprintln!("{name} fails with DUOLOG_SEED={seed}; {} steps are enough: {steps:?}", steps.len());
        run(seed, &steps);
        unreachable!("the same steps failed before");
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Leaves out halves, quarters and so on down to single steps, as long as the rest still fails.
fn shrink<T: Clone>(mut steps: Vec<T>, fails: impl Fn(&[T]) -> bool) -> Vec<T> {
    let mut size = steps.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < steps.len() {
            let until = (from + size).min(steps.len());
            let rest = [&steps[..from], &steps[until..]].concat();
            if fails(&rest) {
                steps = rest;
            } else {
                from = until;
            }
        }
        size /= 2;
    }
    steps
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in the one run of a failure that people read.
pub fn is_read() -> bool {
    std::thread::panicking() && !QUIET.get()
}

/// Whether it ends without a panic, which is not printed.
fn holds(run: impl FnOnce()) -> bool {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let held = catch_unwind(AssertUnwindSafe(run)).is_ok();
    QUIET.set(false);
    held
}

#[test]
fn a_failing_history_is_cut_down_to_what_fails() {
    let found = shrink((0..1_000).collect(), |steps| steps.contains(&17) && steps.contains(&901));
    assert_eq!(found, [17, 901]);
}
