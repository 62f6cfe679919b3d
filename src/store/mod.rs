//! The state store: the rows of one partition, in one RocksDB with one column family.
//!
//! It knows keys and values as bytes, and no event. Rows and the place in the log that they hold are written in one
//! batch ([`Store::commit`] asks for both), without a WAL: the log is the WAL, so after a crash the store is at some
//! earlier place and the rest is folded again.
