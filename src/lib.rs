//! duolog: a one-to-one message engine on one event log. `docs/ARCHITECTURE.md` follows a message through it.

pub mod clock;
pub mod cloud_events;
pub mod cluster;
pub mod config;
pub mod consumers;
pub mod data_dir;
pub mod dir_lock;
pub mod domain;
pub mod durable;
pub mod engine;
pub mod error;
pub mod gateway;
pub mod limits;
pub mod log;
mod node;
pub mod open_log;
pub mod pages;
pub mod rebuild;
pub mod records;
pub mod server;
pub mod store;
mod table_io;
pub mod telemetry;
pub mod turns;
pub mod upkeep;
