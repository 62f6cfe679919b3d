//! What the caller's own network needs to know.

pub mod get_ip_list;
