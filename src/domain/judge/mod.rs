//! What may happen: pure functions over a mailbox. The early decision asks them on rows that may lag behind; the fold asks
//! them again at the record's own place, and its answer counts.

mod arrival;
mod broadcast;
mod relation;
mod send;

pub use arrival::arrival;
pub use broadcast::{BROADCAST_WINDOW, BROADCASTS_A_DAY, broadcast};
pub use relation::{BLACKLIST_LIMIT, FRIEND_LIMIT, block, friend, no_room};
pub use send::{TOGETHER, first_of, key_hash, rows_of, send, window};

use duolog_topics::{Account, Event, MessageSent, Millis};

use crate::domain::rows::{Key, MetaRow, RowsError};
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

/// The rows that the early decision on a request reads; not all of them, and some that it may not.
pub fn asked_for(meta: &MetaRow, account: &Account, event: &Event, keys: &mut Vec<Key>) {
    if let Event::MessageSent(event) = event {
        rows_of(meta, account, event, keys);
    }
}

/// The early decision on a request, on rows that may lag: what it does not accept is not appended.
///
/// # Errors
/// If rows cannot be read.
pub fn early(mailbox: &Mailbox<'_>, account: &Account, event: &Event, now: Millis) -> Result<Judged, RowsError> {
    match event {
        Event::MessageSent(event) => early_send(mailbox, account, event, now),
        _ => Ok(Judged::Accept),
    }
}

/// The same, of a message. Partition time stands still while nothing is appended, the window of repeats does not: its fold
/// begins with the message's own time.
///
/// # Errors
/// If rows cannot be read.
pub fn early_send(
    mailbox: &Mailbox<'_>,
    sender: &Account,
    event: &MessageSent,
    now: Millis,
) -> Result<Judged, RowsError> {
    let judged = send(mailbox, sender, event, now)?;
    if !matches!(judged, Judged::Repeat(_)) {
        return Ok(judged);
    }
    let mut meta = mailbox.meta.clone();
    meta.advance(now);
    send(&Mailbox::new(mailbox.rows, &meta), sender, event, now)
}
