//! Tests against the real program; `v4` mirrors the server API, `ws` the client protocol.

mod chat;
mod cli;
mod demo;
mod faults;
mod harness;
mod homes;
mod v4;
mod with_broker;
mod ws;
