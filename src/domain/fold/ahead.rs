use duolog_topics::{Account, Envelope, Event, Origin, partition_of};

use crate::domain::judge;
use crate::domain::rows::{AccountRow, ConversationRow, IdempotencyRow, Key, MetaRow};

/// Receivers of a record whose rows are read ahead; those of longer lists are read as they come.
const RECEIVERS: usize = 16;

/// The rows that the fold of a record is going to read, of the kinds that come in numbers; not all of them, and some that it
/// will not.
pub(super) fn asked_for(meta: &MetaRow, envelope: &Envelope, event: &Event, keys: &mut Vec<Key>) {
    match event {
        Event::MessageSent(event) => {
            let sender = &envelope.account;
            keys.push(AccountRow::key(sender));
            if event.content.origin != Origin::Import {
                keys.push(IdempotencyRow::key(sender, judge::key_hash(event)));
            }
            for receiver in event.receivers.iter().take(RECEIVERS) {
                keys.push(ConversationRow::key(sender, receiver));
                if partition_of(receiver.as_bytes(), meta.partitions.max(1)) == meta.partition {
                    received(receiver, sender, keys);
                }
            }
        }
        Event::MessageArrived(event) => {
            event.receivers.iter().take(RECEIVERS).for_each(|receiver| received(receiver, &event.from, keys));
        }
        Event::ConversationRead(event) => received(&event.reader, &event.peer, keys),
        _ => {}
    }
}

fn received(receiver: &Account, from: &Account, keys: &mut Vec<Key>) {
    keys.push(AccountRow::key(receiver));
    keys.push(ConversationRow::key(receiver, from));
}
