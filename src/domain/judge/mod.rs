//! What may happen: pure functions over a mailbox. The early decision asks them on rows that may lag behind; the fold asks
//! them again at the record's own place, and its answer counts.

mod arrival;
mod relation;
mod send;

pub use arrival::arrival;
pub use relation::{BLACKLIST_LIMIT, FRIEND_LIMIT, block, friend};
pub use send::{first_of, key_hash, send, window};

use duolog_topics::{Account, Event, Millis};

use crate::domain::rows::RowsError;
use crate::domain::verdict::{Answer, Refusal};
use crate::domain::view::Mailbox;

/// What becomes of a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Judged {
    Accept,
    /// It has the key of an applied one, whose answer this is.
    Repeat(Answer),
    Refuse(Refusal),
}

/// The early decision on a request, on rows that may lag: what it does not accept is not appended.
///
/// # Errors
/// If rows cannot be read.
pub fn early(mailbox: &Mailbox<'_>, account: &Account, event: &Event, now: Millis) -> Result<Judged, RowsError> {
    match event {
        Event::MessageSent(event) => send(mailbox, account, event, now),
        _ => Ok(Judged::Accept),
    }
}
