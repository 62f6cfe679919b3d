//! The older name of [`super::super::all_member_push::im_push`].

pub use crate::gateway::http::all_member_push::im_push::{Request, run};
