use duolog_topics::{Account, Envelope, Event};

use crate::domain::judge;
use crate::domain::rows::{AccountRow, ConversationRow, Key, MetaRow};

/// The rows that the fold of a record is going to read, of the kinds that come in numbers; not all of them, and some that it
/// will not.
pub(super) fn asked_for(meta: &MetaRow, envelope: &Envelope, event: &Event, keys: &mut Vec<Key>) {
    match event {
        Event::MessageSent(event) => {
            let sender = &envelope.account;
            judge::rows_of(meta, sender, event, keys);
            for receiver in event.receivers.iter().take(judge::TOGETHER) {
                keys.push(ConversationRow::key(sender, receiver));
                if meta.is_home_of(receiver) {
                    keys.push(ConversationRow::key(receiver, sender));
                }
            }
        }
        Event::MessageArrived(event) => {
            event.receivers.iter().take(judge::TOGETHER).for_each(|receiver| received(receiver, &event.from, keys));
        }
        Event::ConversationRead(event) => received(&event.reader, &event.peer, keys),
        _ => {}
    }
}

fn received(receiver: &Account, from: &Account, keys: &mut Vec<Key>) {
    keys.push(AccountRow::key(receiver));
    keys.push(ConversationRow::key(receiver, from));
}
