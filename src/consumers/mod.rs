//! What leaves the system: each reader of the log joins its records with what the fold made of them.

pub mod records;
