//! Downloads of message records.

pub mod get_history;
