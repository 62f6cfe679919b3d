use super::RebuildError;
use crate::engine::check_state;
use crate::log::Log;
use crate::store::checkpoint::{Checkpoints, Manifest};

/// What a rebuild begins with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Base {
    /// The log is whole, and goes on from no other: nothing.
    Empty,
    Checkpoint(Manifest),
}

impl Base {
    /// The first offset to fold.
    pub fn next(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Checkpoint(manifest) => manifest.applied().next,
        }
    }
}

/// The oldest base that a partition's log still reaches back to: the start of a whole log, else a checkpoint that reads
/// back and belongs to the log. So a rebuild trusts as little as it can. Cost: reading the checkpoints that it looks at.
///
/// # Errors
/// [`RebuildError::State`] if there is none.
pub fn base_of(log: &dyn Log, partition: u32, checkpoints: &Checkpoints) -> Result<Base, RebuildError> {
    let first = log.bounds(partition)?.first;
    let without = match check_state(log, partition, None) {
        Ok(()) => return Ok(Base::Empty),
        Err(error) => error,
    };
    for name in checkpoints.list()? {
        // The record before it has to be there: it tells whether the two belong together.
        if name.next <= first {
            continue;
        }
        match checkpoints.verify(&name) {
            Ok(manifest) if check_state(log, partition, Some(manifest.applied())).is_ok() => {
                return Ok(Base::Checkpoint(manifest));
            }
            Ok(_) => tracing::warn!(partition, "checkpoint {name} is of another log, and passed over"),
            Err(error) if error.is_damage() => tracing::warn!(partition, "checkpoint {name} is passed over: {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    Err(without.into())
}
