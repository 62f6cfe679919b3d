use duolog_topics::{Envelope, Event, EventKind};

use super::{Delivery, Lane};
use crate::domain::rows::{MessageRow, Outcome, OutcomeRow, Pointer, Rows, RowsError, get};

/// A record that took effect, and what the fold kept of it.
pub struct Joined<'a> {
    pub at: Pointer,
    pub envelope: &'a Envelope,
    pub event: &'a Event,
    pub kept: &'a Kept,
}

/// What the fold kept of a record that took effect.
#[derive(Clone, PartialEq, Debug)]
pub enum Kept {
    /// The record's message, its time, and what became of it for each receiver whose home is here. A recall has emptied the
    /// row's body; the event still holds it.
    Message(Box<MessageRow>),
    Outcome(Outcome),
}

impl Joined<'_> {
    /// A delivery because of this record. `number` tells it from others of the same record, at every call alike.
    pub fn delivery<P>(&self, number: usize, lane: Lane, payload: P) -> Delivery<P> {
        Delivery {
            id: format!("{}-{number}", self.envelope.public_id()),
            account: self.envelope.account.clone(),
            at: self.at,
            time: self.envelope.time,
            lane,
            payload,
        }
    }
}

/// What the fold kept of a record; nothing if it was a repeat, was refused, or is of a kind that consumers are not told of.
///
/// Expiry does not hide it: a row that is still there counts.
///
/// # Errors
/// If rows cannot be read.
pub fn join(rows: &dyn Rows, at: Pointer, kind: EventKind) -> Result<Option<Kept>, RowsError> {
    use EventKind::{BroadcastIssued, MessageArrived, MessageModified, MessageSent};
    let leaves_message = matches!(kind, MessageSent | MessageArrived | MessageModified | BroadcastIssued);
    if leaves_message && let Some(row) = get::<MessageRow>(rows, MessageRow::key(at).as_slice())? {
        return Ok(Some(Kept::Message(Box::new(row))));
    }
    let row: Option<OutcomeRow> = get(rows, OutcomeRow::key(at).as_slice())?;
    Ok(row.map(|row| Kept::Outcome(row.outcome)))
}
