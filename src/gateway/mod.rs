//! What faces the network: the server API, the client protocol, and who may use them.

pub mod auth;
mod batch;
mod bucket;
pub mod client_ip;
pub mod elements;
mod friend;
pub mod http;
pub mod known;
pub mod listener;
pub mod presence;
pub mod profile;
mod taken;
pub mod ws;
