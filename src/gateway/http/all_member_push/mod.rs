//! Pushes to all accounts.

mod condition;
pub mod im_push;
