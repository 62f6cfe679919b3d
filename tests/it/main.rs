//! Tests against the real program; `v4` mirrors the server API.

mod faults;
mod harness;
mod homes;
mod v4;
