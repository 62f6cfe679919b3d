//! Tests against the real program; `v4` mirrors the server API, `ws` the client protocol.

mod callbacks;
mod chat;
mod cli;
mod demo;
mod faults;
mod harness;
mod homes;
mod migrate;
mod push;
mod records;
mod v4;
mod with_broker;
mod with_store;
mod ws;
