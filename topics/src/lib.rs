//! The events of duolog: what the log says, for the engine and for everybody who reads the topics.
//!
//! This crate is the contract. It holds every event kind as a type ([`Event`]), the envelope that both log providers
//! store ([`Envelope`]), the codec (MessagePack with named fields), the partitioner ([`partition_of`]) and the
//! catalogue ([`EventKind::ALL`]) from which the JSON schemas are made. It does no I/O.
//!
//! ```
//! use duolog_topics::{Account, Authority, Envelope, Event, EventId, Tick};
//!
//! let envelope = Envelope {
//!     id: EventId::new(1_700_000_000_000, [7; 10]),
//!     time: 1_700_000_000_000,
//!     account: Account::new("alice").unwrap(),
//!     authority: Authority::Epoch(3),
//! };
//! let event = Event::Tick(Tick {});
//! let header = envelope.encode_header(&event);
//! let payload = event.encode();
//! let (again, event) = Envelope::decode(b"alice", envelope.time, &header, &payload).unwrap();
//! assert_eq!(again, envelope);
//! assert_eq!(event.kind().name(), "tick");
//! ```

mod account;
mod envelope;
mod error;
pub mod events;
mod json;
mod partition;
mod time;

pub use account::{ACCOUNT_BYTES, Account};
pub use envelope::{Authority, Envelope, EventId, LogId, Stamp};
pub use error::{AccountError, DecodeError};
pub use events::*;
pub use json::RawJson;
pub use partition::{murmur2, partition_of};
pub use time::Millis;
