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

#![warn(missing_docs)]

mod account;
pub mod cloudevents;
mod envelope;
mod error;
pub mod events;
mod header;
mod id;
mod json;
mod partition;
mod time;

pub use account::{ACCOUNT_BYTES, Account};
pub use envelope::{Authority, Envelope, Stamp};
pub use error::{AccountError, DecodeError};
pub use events::*;
pub use header::Header;
pub use id::{EventId, LogId};
pub use json::RawJson;
pub use partition::{murmur2, partition_of};
pub use time::{Millis, parse_rfc3339, rfc3339};

/// Keeps the examples of the README running.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
