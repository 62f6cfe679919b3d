//! Several nodes on one log: who owns which partition, and how the others reach him.
//!
//! ```text
//!   Kafka group ──assigned, revoked──► keeper ──take over, let go──► engine ◄──ask── peers of other nodes
//!                                        │ epoch, address                │
//!                                        ▼                               ▼ what is not owned here
//!                             topic <prefix>owners ──► directory ──► HttpPeers ──► POST /internal/v1/ask/<partition>
//! ```
//!
//! The group only says who should own a partition. Who does is decided by the partition's own log (`engine::ownership`), so
//! two nodes that both believe to be meant do no harm. The directory is a hint: an address that is wrong answers "not
//! owner". See docs/adr/0030-nodes-read-each-others-rows.md.

mod auth;
mod directory;
mod endpoint;
mod forward;
mod group;
mod keeper;
mod peers;
mod topic;

use thiserror::Error;

pub use auth::ClusterKey;
pub use directory::{Directory, Owner};
pub use endpoint::{Internal, router};
pub use forward::Forwarder;
pub use group::Group;
pub use keeper::{Keeper, Me};
pub use peers::HttpPeers;
pub use topic::OwnersTopic;

/// Why a node cannot join the others.
#[derive(Debug, Error)]
pub enum ClusterError {
    #[error("the client of Kafka does not start: {0}")]
    Client(#[from] rdkafka::error::KafkaError),
    #[error(transparent)]
    Log(#[from] crate::log::LogError),
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the client for other nodes cannot be made: {0}")]
    Http(#[from] reqwest::Error),
}
