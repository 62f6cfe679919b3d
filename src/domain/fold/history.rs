use duolog_topics::Account;

use super::step::Step;
use crate::domain::rows::{ConversationRow, HistoryEntry, HistoryPlace, HistoryRow, Key, PlacedEntry, RowsError};

/// A row that has become longer than this is parted.
const LONGEST: usize = 2 * HistoryRow::FULL;

impl Step<'_, '_> {
    /// Gives a new message its place in one user's view: among the newest, nearly always as the last; one that is imported
    /// late may belong into an older row. The caller stores the conversation.
    pub fn add_to_history(
        &mut self,
        account: &Account,
        peer: &Account,
        conversation: &mut ConversationRow,
        place: HistoryPlace,
        entry: HistoryEntry,
    ) -> Result<(), RowsError> {
        if place.time > conversation.newest_time {
            // Behind all others.
            conversation.newest.push(place, &entry);
            if conversation.newest.len() > HistoryRow::FULL {
                let newest = conversation.newest.to_vec()?;
                self.put_newest(account, peer, conversation, &newest);
            }
            return Ok(());
        }
        let (row, mut entries) = self.beside(account, peer, conversation, place)?;
        entries.insert(entries.partition_point(|(other, _)| *other < place), (place, entry));
        match row {
            None => self.put_newest(account, peer, conversation, &entries),
            Some(key) => {
                let mut rest = entries.as_slice();
                if entries.len() > LONGEST {
                    let older;
                    (older, rest) = entries.split_at(HistoryRow::FULL);
                    self.put_older(account, peer, older);
                }
                self.put(key, &HistoryRow::new(rest));
            }
        }
        Ok(())
    }

    /// Changes a message in one user's view, or takes it out. The caller stores the conversation.
    pub fn change_history(
        &mut self,
        account: &Account,
        peer: &Account,
        conversation: &mut ConversationRow,
        place: HistoryPlace,
        entry: Option<&HistoryEntry>,
    ) -> Result<(), RowsError> {
        let (row, mut entries) = self.beside(account, peer, conversation, place)?;
        if let Ok(found) = entries.binary_search_by_key(&place, |(place, _)| *place) {
            match entry {
                Some(entry) => entries[found].1 = entry.clone(),
                None => drop(entries.remove(found)),
            }
        }
        match row {
            None => conversation.newest = entries.iter().collect(),
            Some(key) if entries.is_empty() => self.delete(key),
            Some(key) => self.put(key, &HistoryRow::new(&entries)),
        }
        Ok(())
    }

    /// The messages with which one at this place would lie, and the key of their row; without one they are the newest.
    fn beside(
        &self,
        account: &Account,
        peer: &Account,
        conversation: &ConversationRow,
        place: HistoryPlace,
    ) -> Result<(Option<Key>, Vec<PlacedEntry>), RowsError> {
        let mailbox = self.mailbox();
        let messages = mailbox.messages(account, peer, &conversation.newest);
        let row = if messages.is_among_newest(place)? { None } else { messages.row_with(place)? };
        Ok(match row {
            Some((key, row)) => (Some(key), row.entries.to_vec()?),
            None => (None, conversation.newest.to_vec()?),
        })
    }

    /// Puts the newest messages into the conversation; of too many only the last one, and the others become a row.
    fn put_newest(
        &mut self,
        account: &Account,
        peer: &Account,
        conversation: &mut ConversationRow,
        newest: &[PlacedEntry],
    ) {
        let kept = if newest.len() > HistoryRow::FULL { 1 } else { newest.len() };
        let (older, newest) = newest.split_at(newest.len() - kept);
        self.put_older(account, peer, older);
        conversation.newest = newest.iter().collect();
    }

    fn put_older(&mut self, account: &Account, peer: &Account, older: &[PlacedEntry]) {
        if let Some((place, _)) = older.last() {
            self.put(HistoryRow::key(account, peer, *place), &HistoryRow::new(older));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::{ControlFlow, Range};

    use duolog_topics::{Authority, Envelope, Millis};
    use prop::sample::Index;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::fold::Fold;
    use crate::domain::rows::{Direction, MapRows, MetaRow, Pointer, Row as _, RowFlags, Table, get, record_time_of};
    use crate::domain::view::Mailbox;
    use crate::engine::Ids;

    /// What happens to a conversation.
    #[derive(Clone, Debug)]
    enum Happening {
        /// A message arrives behind all others.
        Send,
        /// One is imported with this message time, of a few.
        Import(Millis),
        Change(Index),
        Remove(Index),
        /// So many milliseconds pass, and what was recorded before the last ones expires.
        Wait(Millis),
    }

    const LIFE: Millis = 40;

    fn happening() -> impl Strategy<Value = Happening> {
        let index = any::<Index>;
        prop_oneof![
            6 => Just(Happening::Send),
            4 => (1..60_u64).prop_map(Happening::Import),
            1 => index().prop_map(Happening::Change),
            1 => index().prop_map(Happening::Remove),
            1 => (0..30_u64).prop_map(Happening::Wait),
        ]
    }

    /// The rows of a partition with one conversation.
    struct Home {
        rows: MapRows,
        clock: Millis,
        sequence: u64,
    }

    fn people() -> (Account, Account) {
        (Account::new("alice").unwrap(), Account::new("bob").unwrap())
    }

    impl Home {
        fn new() -> Self {
            Self { rows: MapRows::default(), clock: 1_000, sequence: 0 }
        }

        fn meta(&self) -> MetaRow {
            get(&self.rows, MetaRow::key().as_slice()).unwrap().unwrap_or_else(|| MetaRow::empty(0))
        }

        /// What the fold does to the conversation, as far as its history goes.
        fn fold(&mut self, change: impl FnOnce(&mut Step<'_, '_>, &mut ConversationRow)) {
            let (alice, bob) = people();
            let mut fold = Fold::new(&self.rows, 0, false).unwrap();
            let (id, authority) = (Ids::seeded(1).event_id(self.clock), Authority::Epoch(0));
            let envelope = Envelope { id, time: self.clock, account: alice.clone(), authority };
            let mut step = Step::new(&mut fold, Pointer::default(), &envelope);
            step.meta_mut().horizons.roaming = self.clock - LIFE;
            let mut conversation = step.mailbox().conversation(&alice, &bob).unwrap().unwrap_or_default();
            change(&mut step, &mut conversation);
            step.put_conversation(&alice, &bob, conversation);
            let changes = fold.finish().0;
            self.rows.apply(&changes);
        }

        fn add(&mut self, place: HistoryPlace) {
            let (alice, bob) = people();
            let entry = self.entry();
            self.fold(|step, conversation| {
                step.add_to_history(&alice, &bob, conversation, place, entry.clone()).unwrap();
                conversation.record_time = entry.record_time;
                conversation.newest_time = conversation.newest_time.max(place.time);
            });
        }

        fn change(&mut self, place: HistoryPlace, entry: Option<&HistoryEntry>) {
            let (alice, bob) = people();
            self.fold(|step, conversation| step.change_history(&alice, &bob, conversation, place, entry).unwrap());
        }

        fn entry(&self) -> HistoryEntry {
            let (record_time, number) = (self.clock, self.sequence as u32);
            let pointer = Pointer { generation: 1, partition: 2, offset: self.sequence };
            HistoryEntry { record_time, flags: RowFlags::INCOMING, pointer, msg_seq: number, random: !number }
        }

        /// As a compaction does.
        fn drop_expired(&mut self) {
            let horizon = self.meta().horizons.roaming;
            let expires = |key: &[u8]| [Table::History, Table::Conversation].iter().any(|table| key[0] == *table as u8);
            self.rows.retain(|key, value| !expires(key) || record_time_of(value) >= Some(horizon));
        }

        fn seen(&self, within: &Range<HistoryPlace>, direction: Direction) -> Vec<PlacedEntry> {
            let ((alice, bob), meta) = (people(), self.meta());
            let mailbox = Mailbox::new(&self.rows, &meta);
            let conversation = mailbox.conversation(&alice, &bob).unwrap().unwrap_or_default();
            let mut seen = Vec::new();
            let messages = mailbox.messages(&alice, &bob, &conversation.newest);
            let visit = |place, entry| {
                assert_eq!(messages.at(place).unwrap().as_ref(), Some(&entry));
                seen.push((place, entry));
                Ok(ControlFlow::Continue(()))
            };
            messages.walk_within(within.clone(), direction, visit).unwrap();
            seen
        }

        /// How many messages each row holds.
        fn held(&self) -> Vec<usize> {
            let mut held = Vec::new();
            self.rows.clone().retain(|key, value| {
                if key[0] == Table::History as u8 {
                    held.push(HistoryRow::read(key, value).unwrap().1.entries.len());
                }
                true
            });
            held
        }
    }

    proptest! {
        #[test]
        fn a_history_is_one_list_in_the_order_of_its_places(
            happenings in prop::collection::vec(happening(), 1..150),
            edges in prop::collection::vec((900..1_200_u64, 0..150_u64), 8),
        ) {
            let mut naive: BTreeMap<HistoryPlace, HistoryEntry> = BTreeMap::new();
            let [mut home, mut compacted] = [(); 2].map(|()| Home::new());
            for happening in happenings {
                let horizon = home.clock - LIFE;
                let places: Vec<_> =
                    naive.iter().filter(|(_, entry)| entry.record_time >= horizon).map(|(place, _)| *place).collect();
                let chosen = |index: Index| (!places.is_empty()).then(|| places[index.index(places.len())]);
                for home in [&mut home, &mut compacted] {
                    home.clock += 1;
                    home.sequence += 1;
                    let sent = HistoryPlace { time: home.clock, sequence: home.sequence };
                    match &happening {
                        Happening::Send => home.add(sent),
                        Happening::Import(time) => home.add(HistoryPlace { time: 950 + time, ..sent }),
                        Happening::Change(index) => {
                            let Some(place) = chosen(*index) else { continue };
                            let entry = naive.get_mut(&place).unwrap();
                            entry.flags = entry.flags.with(RowFlags::RECALLED);
                            home.change(place, Some(entry));
                        }
                        Happening::Remove(index) => {
                            let Some(place) = chosen(*index) else { continue };
                            naive.remove(&place);
                            home.change(place, None);
                        }
                        Happening::Wait(time) => {
                            home.clock += time;
                            home.fold(|_, _| ());
                        }
                    }
                }
                let (entry, place) = (home.entry(), HistoryPlace { time: home.clock, sequence: home.sequence });
                match happening {
                    Happening::Send => drop(naive.insert(place, entry)),
                    Happening::Import(time) => drop(naive.insert(HistoryPlace { time: 950 + time, ..place }, entry)),
                    _ => {}
                }
                compacted.drop_expired();
            }
            prop_assert!(home.held().iter().all(|held| (1..=LONGEST).contains(held)));
            let horizon = home.meta().horizons.roaming;
            let edges = edges.iter().map(|(time, sequence)| HistoryPlace { time: *time, sequence: *sequence });
            let edges: Vec<_> = edges.collect();
            let all = HistoryPlace::default()..HistoryPlace { time: Millis::MAX, sequence: 0 };
            let parts = edges.iter().zip(&edges[1..]).map(|(from, until)| *from..*until);
            for within in parts.chain([all]) {
                let there = |place: &HistoryPlace| within.contains(place);
                let mut wanted: Vec<_> = naive.clone().into_iter().filter(|(place, _)| there(place)).collect();
                wanted.retain(|(_, entry)| entry.record_time >= horizon);
                for home in [&home, &compacted] {
                    prop_assert_eq!(&home.seen(&within, Direction::Forward), &wanted);
                }
                wanted.reverse();
                for home in [&home, &compacted] {
                    prop_assert_eq!(&home.seen(&within, Direction::Backward), &wanted);
                }
            }
        }
    }

    #[test]
    fn most_messages_of_a_long_conversation_share_a_row() {
        let mut home = Home::new();
        for _ in 0..10 * HistoryRow::FULL + 3 {
            home.clock += 1;
            home.sequence += 1;
            home.clock = home.clock.min(1_000 + LIFE);
            home.add(HistoryPlace { time: 1_000 + home.sequence, sequence: home.sequence });
        }
        assert_eq!(home.held(), [HistoryRow::FULL; 10]);
    }

    #[test]
    fn what_format_1_wrote_is_read() {
        let (alice, bob) = people();
        let place = HistoryPlace { time: 1_000, sequence: 7 };
        let key = HistoryRow::key(&alice, &bob, place);
        let time = 1_001_u64.to_be_bytes();
        // Flags 3, record (1, 2, 300), sequence number 5 and random 6.
        let value = [&[1], time.as_slice(), &[3, 1, 2, 0xac, 2, 5, 6]].concat();
        let flags = RowFlags::INCOMING.with(RowFlags::COUNTS);
        let pointer = Pointer { generation: 1, partition: 2, offset: 300 };
        let entry = HistoryEntry { record_time: 1_001, flags, pointer, msg_seq: 5, random: 6 };
        let (at, row) = HistoryRow::read(key.as_slice(), &value).unwrap();
        assert_eq!((at, row.record_time()), (place, Some(1_001)));
        assert_eq!(row.entries.to_vec().unwrap(), [(place, entry)]);

        let conversation = ConversationRow { record_time: 1_001, unread: 4, ..ConversationRow::default() };
        let mut value = conversation.encode().to_vec();
        let added = value.split_off(value.len() - 2);
        assert_eq!(added, ConversationRow::added_since(1).unwrap());
        value[0] = 1;
        assert_eq!(ConversationRow::decode(&value).unwrap(), conversation);
        let unknown = [3; 20];
        assert!(ConversationRow::decode(&unknown).is_err() && HistoryRow::read(key.as_slice(), &unknown).is_err());
        assert!(HistoryRow::read(Key::of(Table::History).as_slice(), &value).is_err());
    }
}
