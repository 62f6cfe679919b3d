//! What duolog decides, free of I/O, clock and chance.

pub mod rows;
