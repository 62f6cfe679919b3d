//! The rows of a mailbox: one file a row kind, and the port through which the fold and the readers see them.

mod port;

pub use port::{Changes, Direction, KeyRange, Rows, RowsError, Visited};
