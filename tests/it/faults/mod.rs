//! Faults, and what must be true after each: every acked message takes effect once, in the order of the acks.

mod kill;
mod load;
mod rebuild;
