//! Downloads of message records (server-api.md, section 3).

pub mod get_history;
