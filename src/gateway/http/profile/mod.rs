//! Profiles (server-api.md, section 3).

pub mod portrait_get;
pub mod portrait_set;
