//! Pushes to all accounts (server-api.md, section 3).

mod condition;
pub mod im_push;
