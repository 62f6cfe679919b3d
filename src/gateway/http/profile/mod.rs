//! Profiles.

pub mod portrait_get;
pub mod portrait_set;
