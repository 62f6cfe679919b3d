//! The older name of [`super::query_online_status`]; replies of both hold `Status` and `State`.

pub use super::query_online_status::{Request, run};
