//! Recent contacts.

pub mod delete;
pub mod get_list;

/// `Type` of a conversation between two.
const C2C: u64 = 1;
