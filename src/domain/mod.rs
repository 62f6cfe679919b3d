//! What duolog decides, free of I/O, clock and chance.

pub mod dump;
pub mod fold;
pub mod judge;
pub mod rows;
pub mod verdict;
pub mod view;
