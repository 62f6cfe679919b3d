//! How much goes into one frame of entries. A client with a slow link gets short frames, each of which it can take in time, and
//! the socket keeps a buffer of the longest.

use duolog_topics::{ProfileItem, TagValue};

use crate::domain::view::{ChangeView, Entry, MessageView, TimelinePage};
use crate::gateway::ws::settings::PUSH_BYTES;

/// About what an entry takes besides its texts.
const ENTRY: usize = 256;
/// About what an item of a list takes besides its text, or a message's key as one.
const ITEM: usize = 36;

/// How many of these go into one frame, at least one; `None` if all of them do.
pub fn that_fit(sizes: impl Iterator<Item = usize>) -> Option<usize> {
    let mut bytes = 0;
    for (place, size) in sizes.enumerate() {
        bytes += size;
        if bytes > PUSH_BYTES && place > 0 {
            return Some(place);
        }
    }
    None
}

/// Cuts a page of a timeline to what goes into one frame; the next page begins behind it.
pub fn shorten(page: &mut TimelinePage) {
    if let Some(fit) = that_fit(page.list.iter().map(|(_, entry)| entry_bytes(entry))) {
        page.list.truncate(fit);
        page.more = true;
        page.cursor = page.list.last().map_or(page.cursor, |(sequence, _)| *sequence);
    }
}

/// About how long an entry is as JSON.
pub fn entry_bytes(entry: &Entry) -> usize {
    match entry {
        Entry::Message(message) => message_bytes(message),
        Entry::Change { change, .. } => ENTRY + change_bytes(change),
    }
}

/// About how long a message is as JSON.
pub fn message_bytes(message: &MessageView) -> usize {
    ENTRY + message.body.as_str().len() + message.custom.as_ref().map_or(0, String::len)
}

fn change_bytes(change: &ChangeView) -> usize {
    match change {
        ChangeView::Modify { body, custom, .. } => body.as_str().len() + custom.as_ref().map_or(0, String::len),
        ChangeView::Delete { keys, .. } | ChangeView::ReceiptKeys { keys, .. } => keys.len() * ITEM,
        ChangeView::Relation { groups, .. } => groups.iter().flatten().map(|group| ITEM + group.len()).sum(),
        ChangeView::Profile { items } => items.iter().map(item_bytes).sum(),
        _ => 0,
    }
}

fn item_bytes(item: &ProfileItem) -> usize {
    let value = if let TagValue::Text(text) = &item.value { text.len() } else { 0 };
    ITEM + item.tag.len() + value
}

#[cfg(test)]
mod tests {
    use duolog_topics::{Account, MsgKey, RawJson};

    use super::*;

    fn peer() -> Account {
        Account::new("bob").unwrap()
    }

    /// What a message says now, in so many bytes.
    fn modified(bytes: usize) -> ChangeView {
        let key = MsgKey { seq: 1, random: 2, time: 3 };
        let body = RawJson::from_checked(format!("[\"{}\"]", "x".repeat(bytes - 4)));
        ChangeView::Modify { peer: peer(), key, by: peer(), body, custom: None }
    }

    fn page(changes: Vec<ChangeView>) -> TimelinePage {
        let entry = |(place, change)| (place as u64 + 1, Entry::Change { time: 1, change });
        let list: Vec<_> = changes.into_iter().enumerate().map(entry).collect();
        TimelinePage { list, cursor: 1_000, more: false }
    }

    #[test]
    fn a_frame_holds_at_least_one_and_then_what_fits() {
        let fit = |sizes: &[usize]| that_fit(sizes.iter().copied());
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[PUSH_BYTES * 2]), None);
        assert_eq!(fit(&[PUSH_BYTES * 2, 1]), Some(1));
        assert_eq!(fit(&[PUSH_BYTES - 1, 1]), None);
        assert_eq!(fit(&[PUSH_BYTES - 1, 1, 1]), Some(2));
    }

    #[test]
    fn a_page_that_is_cut_says_where_the_next_one_begins() {
        let mut short = page(vec![modified(8_192); 10]);
        shorten(&mut short);
        assert_eq!((short.list.len(), short.cursor, short.more), (10, 1_000, false));
        let mut long = page(vec![modified(8_192); 100]);
        shorten(&mut long);
        let places: Vec<u64> = long.list.iter().map(|(place, _)| *place).collect();
        assert_eq!((places, long.cursor, long.more), ((1..=15).collect::<Vec<u64>>(), 15, true));
    }

    #[test]
    fn lists_of_keys_count_too() {
        let keys = vec![MsgKey { seq: 1, random: 2, time: 3 }; 1_000];
        let mut long = page(vec![ChangeView::Delete { peer: peer(), keys }; 10]);
        shorten(&mut long);
        assert_eq!((long.list.len(), long.more), (3, true));
    }
}
