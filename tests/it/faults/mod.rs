//! Faults, and what must be true after each: every acked message takes effect once, in the order of the acks.

pub mod kill;
pub mod load;
pub mod rebuild;
