//! What duolog promises, held against random histories.
//!
//! `simulation` folds three partitions by hand through crashes, late records and couriers that repeat themselves.
//! `chat` asks a real engine, and a naive model of the same mailboxes, the same questions.

mod chat;
mod explore;
mod simulation;
