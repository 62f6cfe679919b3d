use std::ops::ControlFlow;

use duolog_topics::{BroadcastIssued, Millis};

use super::Judged;
use crate::domain::rows::{BroadcastRow, DAY, Direction, Key, Row, RowsError, Table};
use crate::domain::verdict::Answer;
use crate::domain::view::Mailbox;
use crate::error::Code;

/// The same MsgRandom of the same sender is the same push for so long, and no push lives longer.
pub const BROADCAST_WINDOW: Millis = 7 * DAY;
/// Pushes to all in a day, and the time from one to the next, as in the API that ours follows.
pub const BROADCASTS_A_DAY: usize = 100;
const APART: Millis = 1_000;

/// Whether a push to all may be issued; `now` is partition time. A repeat comes before every refusal.
///
/// # Errors
/// If rows cannot be read.
pub fn broadcast(mailbox: &Mailbox<'_>, event: &BroadcastIssued, now: Millis) -> Result<Judged, RowsError> {
    let (mut repeat, mut newest, mut today) = (None, None, 0);
    mailbox.walk(&Key::of(Table::Broadcast), Direction::Backward, |_, value| {
        let row = BroadcastRow::decode(value)?;
        if row.time + BROADCAST_WINDOW < now {
            return Ok(ControlFlow::Break(()));
        }
        if row.from == event.from && row.random == event.content.random {
            repeat = Some(row.task_id);
            return Ok(ControlFlow::Break(()));
        }
        newest = newest.or(Some(row.time));
        today += usize::from(row.time + DAY > now);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(match (repeat, newest) {
        (Some(task_id), _) => Judged::Repeat(Answer::Issued { task_id }),
        (None, Some(newest)) if now < newest + APART => Judged::Refuse(Code::PUSH_TOO_FREQUENT.into()),
        (None, _) if today >= BROADCASTS_A_DAY => Judged::Refuse(Code::PUSH_DAILY_LIMIT.into()),
        (None, _) => Judged::Accept,
    })
}
