//! What the caller's own network needs to know (server-api.md, section 3).

pub mod get_ip_list;
