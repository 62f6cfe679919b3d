use duolog_topics::{Account, BlacklistAnswer, MessageSent, Millis, MsgKey, Origin};
use xxhash_rust::xxh3::Xxh3;

use super::Judged;
use crate::domain::rows::{
    AccountRow, Delivery, IdempotencyRow, Key, MetaRow, Pointer, RelationKind, RowsError, Window,
};
use crate::domain::verdict::{Answer, Sent};
use crate::domain::view::Mailbox;
use crate::error::Code;

/// Which window of repeats a message has: clients make a new random for each message, some back ends never do.
pub fn window(origin: Origin) -> Window {
    match origin {
        Origin::Client => Window::Client,
        Origin::Server | Origin::Batch | Origin::Import => Window::Server,
    }
}

/// The hash of the idempotency key: receivers, MsgSeq or its absence, MsgRandom, the request's hash.
pub fn key_hash(event: &MessageSent) -> u128 {
    let mut hash = Xxh3::new();
    for receiver in &event.receivers {
        hash.update(receiver.as_bytes());
        hash.update(&[0]);
    }
    if event.seq_given {
        hash.update(&event.content.msg_seq.to_be_bytes());
    }
    hash.update(&[0, u8::from(event.seq_given), window(event.content.origin) as u8]);
    hash.update(&event.content.random.to_be_bytes());
    hash.update(&event.request_hash.to_be_bytes());
    hash.digest128()
}

/// Receivers whose rows are read together with others; those of longer lists are read as they come.
pub const TOGETHER: usize = 16;

/// The rows that [`send`] reads of nearly every message, and those of its first receivers.
pub fn rows_of(meta: &MetaRow, sender: &Account, event: &MessageSent, keys: &mut Vec<Key>) {
    keys.push(AccountRow::key(sender));
    if event.imported_time.is_none() {
        keys.push(IdempotencyRow::key(sender, key_hash(event)));
    }
    let here = event.receivers.iter().take(TOGETHER).filter(|receiver| meta.is_home_of(receiver));
    keys.extend(here.map(AccountRow::key));
}

/// Whether a message may be sent; `now` is its record time. A repeat comes before every refusal: it was sent already.
///
/// # Errors
/// If rows cannot be read.
pub fn send(mailbox: &Mailbox<'_>, sender: &Account, event: &MessageSent, now: Millis) -> Result<Judged, RowsError> {
    let refuse = |code: Code| Ok(Judged::Refuse(code.into()));
    let Some(owner) = mailbox.account(sender)? else {
        return refuse(Code::SENDER_OR_RECEIVER_UNKNOWN);
    };
    if let Some(answer) = repeat(mailbox, sender, event)? {
        return Ok(Judged::Repeat(answer));
    }
    if event.imported_time.is_some_and(|time| time > now) {
        return refuse(Code::MSG_TIMESTAMP_INVALID);
    }
    if event.content.origin == Origin::Client && !event.content.flags.by_admin {
        if owner.muted_until > now {
            return refuse(Code::MUTED);
        }
        for receiver in &event.receivers {
            if let Some(code) = client_may(mailbox, sender, receiver)? {
                return refuse(code);
            }
        }
    }
    if all_unknown(mailbox, event)? {
        return refuse(Code::SENDER_OR_RECEIVER_UNKNOWN);
    }
    Ok(Judged::Accept)
}

/// Whether every receiver has its home here and none of them exists. Others are judged where they live.
fn all_unknown(mailbox: &Mailbox<'_>, event: &MessageSent) -> Result<bool, RowsError> {
    for receiver in &event.receivers {
        if !mailbox.meta.is_home_of(receiver) || mailbox.exists(receiver)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What stands between two users under the policy.
fn client_may(mailbox: &Mailbox<'_>, sender: &Account, receiver: &Account) -> Result<Option<Code>, RowsError> {
    let policy = &mailbox.meta.policy;
    if policy.blacklist_answer == BlacklistAnswer::Error && mailbox.lists(sender, RelationKind::BlockedBy, receiver)? {
        return Ok(Some(Code::BLOCKED));
    }
    if !policy.friend_check || sender == receiver {
        return Ok(None);
    }
    let mine = mailbox.lists(sender, RelationKind::Friend, receiver)?;
    let theirs = mailbox.lists(sender, RelationKind::FriendOf, receiver)?;
    Ok(match (mine, theirs) {
        (true, true) => None,
        (true, false) => Some(Code::NOT_LISTED_BY_RECEIVER),
        (false, true) => Some(Code::RECEIVER_NOT_LISTED),
        (false, false) => Some(Code::NOT_FRIENDS),
    })
}

/// The first answer, if this request was applied before.
fn repeat(mailbox: &Mailbox<'_>, sender: &Account, event: &MessageSent) -> Result<Option<Answer>, RowsError> {
    if let Some(time) = event.imported_time {
        return imported_before(mailbox, sender, event, time);
    }
    let Some(row): Option<IdempotencyRow> = mailbox.idempotency(sender, key_hash(event))? else {
        return Ok(None);
    };
    let key = MsgKey { seq: row.msg_seq, random: event.content.random, time: row.message_time / 1000 };
    let sequence = (row.sequence > 0).then_some(row.sequence);
    let failed = if event.receivers.len() > 1 { failed_before(mailbox, &row)? } else { Vec::new() };
    Ok(Some(Answer::Sent(Sent { key, time: row.message_time, sequence, failed, changed: None })))
}

/// The record that an equal request made first.
///
/// # Errors
/// If rows cannot be read.
pub fn first_of(mailbox: &Mailbox<'_>, sender: &Account, event: &MessageSent) -> Result<Option<Pointer>, RowsError> {
    Ok(mailbox.idempotency(sender, key_hash(event))?.map(|row| row.pointer))
}

/// The receivers that the first answer named as unknown, as long as the message's own row is there.
fn failed_before(mailbox: &Mailbox<'_>, row: &IdempotencyRow) -> Result<Vec<(Account, Code)>, RowsError> {
    let deliveries = mailbox.message(row.pointer)?.map_or_else(Vec::new, |message| message.deliveries);
    Ok(deliveries.iter().filter(|delivery| delivery.is_unknown()).map(Delivery::failure).collect())
}

/// An import repeats if history holds the same MsgSeq, MsgRandom and second.
fn imported_before(
    mailbox: &Mailbox<'_>,
    sender: &Account,
    event: &MessageSent,
    time: Millis,
) -> Result<Option<Answer>, RowsError> {
    let key = MsgKey { seq: event.content.msg_seq, random: event.content.random, time: time / 1000 };
    for receiver in &event.receivers {
        if let Some((place, _)) = mailbox.find_message(sender, receiver, key)? {
            let sequence = Some(place.sequence);
            return Ok(Some(Answer::Sent(Sent { key, time: place.time, sequence, failed: Vec::new(), changed: None })));
        }
    }
    Ok(None)
}
