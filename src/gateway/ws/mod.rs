//! The client protocol: `/v1/ws` (docs/CLIENT_PROTOCOL.md).
//!
//! `protocol` reads and writes frames, `op` holds what a client can ask for, `session` decides what happens on a
//! connection, all without I/O but an op's call of the engine. `connection` is the thin shell around them.

mod calls;
mod connection;
mod connections;
mod forward;
mod metrics;
mod op;
mod protocol;
mod session;
pub mod settings;
mod state;
mod upgrade;
mod wire;

pub use forward::{Dial, Dialer, Home};
pub use op::{Row as OpRow, rows as op_rows};
pub use settings::{Limits, Settings};
pub use state::WsState;
pub use upgrade::route;
