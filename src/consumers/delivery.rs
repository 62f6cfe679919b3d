use duolog_topics::{Account, Millis};
use xxhash_rust::xxh3::Xxh3;

use crate::domain::rows::Pointer;

/// Something to be delivered because of one record.
#[derive(Clone, PartialEq, Debug)]
pub struct Delivery<P> {
    /// The record's public id and a number: the same at every try, after a restart and after a rebuild. Printable ASCII.
    pub id: String,
    /// The account of the record.
    pub account: Account,
    /// The record.
    pub at: Pointer,
    /// The record's time.
    pub time: Millis,
    pub lane: Lane,
    pub payload: P,
}

/// Deliveries of one lane go out in the order of their records, one try at a time; lanes do not wait for each other.
///
/// A hash: two that fall together wait for each other, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Lane(u64);

impl Lane {
    /// The lane of everything: a consumer that takes the log in order.
    pub const ONE: Self = Self(0);

    /// The lane named by these parts, such as a sender and a receiver.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a Account>) -> Self {
        let mut hash = Xxh3::new();
        for part in parts {
            hash.update(part.as_bytes());
            hash.update(&[0]);
        }
        Self(hash.digest())
    }
}
