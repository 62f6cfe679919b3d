//! The frames of the client protocol, both ways. No I/O.

pub mod close;
pub mod entry;
pub mod failure;
pub mod fit;
pub mod frame;
pub mod json;
mod msgpack;
pub mod reply;
pub mod subprotocol;
pub mod welcome;

pub use close::{Close, CloseCode, Flaw};
pub use failure::Failure;
pub use frame::Parsed;
pub use subprotocol::Subprotocol;
