//! What holds when everything that was on its way has arrived.

use std::collections::{BTreeMap, BTreeSet};

use duolog::domain::rows::{
    AccountRow, BroadcastRow, ConversationRow, DeviceRow, HistoryEntry, HistoryPlace, HistoryRow, KeyReader, MapRows,
    MessageRow, MetaRow, RecentRow, RelationKind, RelationRow, Row, RowFlags, Table, TimelineEntry, TimelineRow, get,
};
use duolog::domain::verdict::{Answer, Verdict};
use duolog::domain::view::Mailbox;
use duolog::engine::courier::reported;
use duolog_topics::{Account, Event, Millis, MsgKey, Origin};

use super::dump::{assert_same, dump};
use super::home::{all, meta_of};
use super::world::{Request, World};
use crate::explore::Dice;

/// # Panics
/// If a promise was broken.
pub fn check(world: &mut World, dice: &mut Dice) {
    let rebuilt: Vec<MapRows> = world.homes.iter().map(|home| home.rebuild(dice)).collect();
    for (home, rebuilt) in world.homes.iter().zip(&rebuilt) {
        assert_same("live and rebuilt differ", &dump(&home.state.rows, home.id), &dump(rebuilt, home.id));
    }
    for (source, destination) in world.pairs() {
        let arrived = reported(&rebuilt[destination], &world.homes[source].meta()).unwrap();
        assert_eq!(arrived, world.given_out(source, destination), "carried from {source} to {destination}");
    }
    world.requests.iter().for_each(|request| repeats_get_the_first_answer(world, request));
    effects_are_exactly_once(world, &rebuilt);
    relations_agree(world, &rebuilt);
    broadcasts_are_taken_once(world, &rebuilt);
    for account in &world.people {
        let rows = &rebuilt[world.home_of(account) as usize];
        mailbox_adds_up(rows, &meta_of(rows, world.home_of(account)), account, world.long);
    }
}

/// An event is applied again only when its key has been forgotten.
fn repeats_get_the_first_answer(world: &World, request: &Request) {
    let Event::MessageSent(event) = &request.event else { return };
    if event.content.origin == Origin::Import {
        return;
    }
    let policy = world.homes[0].meta().policy;
    let window =
        1_000 * if event.content.origin == Origin::Client { policy.dedup_client_seconds } else { policy.dedup_seconds };
    let mut verdicts = request.verdicts.clone();
    verdicts.sort_by_key(|(offset, ..)| *offset);
    let mut first: Option<(Millis, Answer)> = None;
    let home = &world.homes[world.home_of(&request.account) as usize];
    for (offset, time, verdict) in verdicts {
        match verdict {
            Verdict::Applied(answer) => {
                let again = first.replace((time, answer));
                let now = home.partition_time(offset);
                assert!(again.is_none_or(|(before, _)| now - before > window), "applied twice, at {offset}");
            }
            Verdict::Repeat(answer) => {
                let (_, before) = first.as_ref().expect("a repeat of something");
                let (Answer::Sent(answer), Answer::Sent(before)) = (&answer, before) else { panic!("not sent") };
                assert_eq!((answer.key, answer.time, answer.sequence), (before.key, before.time, before.sequence));
            }
            _ => {}
        }
    }
}

/// Every applied message has one outcome for each receiver and, if he got it, is once in his history, in the order in
/// which its sender's home applied it.
fn effects_are_exactly_once(world: &World, rebuilt: &[MapRows]) {
    let outcomes = outcomes(rebuilt);
    let removed = removed(world);
    for request in &world.requests {
        let Event::MessageSent(event) = &request.event else { continue };
        if event.content.flags.online_only || event.content.life == Some(0) {
            continue;
        }
        let applied = request.verdicts.iter().filter(|(.., verdict)| matches!(verdict, Verdict::Applied(_))).count();
        for receiver in event.receivers.iter().filter(|receiver| **receiver != request.account) {
            let key = (request.account.clone(), receiver.clone(), event.content.random);
            let codes = outcomes.get(&key).cloned().unwrap_or_default();
            assert_eq!(codes.len(), applied, "outcomes of {key:?}: {codes:?}");
            let delivered = codes.iter().filter(|code| **code == 0).count();
            let home = world.home_of(receiver);
            let held = history(&rebuilt[home as usize], receiver, &request.account);
            let held =
                held.iter().filter(|(_, row)| row.random == event.content.random && row.flags.has(RowFlags::INCOMING));
            // What has expired leaves with its conversation.
            let horizon = meta_of(&rebuilt[home as usize], home).horizons.roaming;
            let stays = request.verdicts.iter().all(|(_, time, _)| *time >= horizon);
            let sure =
                stays && receiver != world.passing() && !removed.contains(&(receiver.clone(), event.content.random));
            let held = held.count();
            assert!(held == delivered || held < delivered && !sure, "{key:?} is held {held} times, not {delivered}");
        }
    }
    for from in &world.people {
        for to in world.people.iter().filter(|to| *to != from && from != world.passing()) {
            order_is_kept(world, rebuilt, from, to);
        }
    }
}

/// (sender, receiver, random) -> the codes of its outcomes.
fn outcomes(rebuilt: &[MapRows]) -> BTreeMap<(Account, Account, u32), Vec<u32>> {
    let mut outcomes: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    for (key, value) in rebuilt.iter().flat_map(|rows| all(rows)) {
        if key[0] == Table::Message as u8 {
            let row = MessageRow::decode(&value).unwrap();
            for delivery in row.deliveries {
                outcomes.entry((row.from.clone(), delivery.receiver, row.random)).or_default().push(delivery.code);
            }
        }
    }
    outcomes
}

/// What somebody took out of his own view.
fn removed(world: &World) -> BTreeSet<(Account, u32)> {
    let asked = world.requests.iter().filter_map(|request| match &request.event {
        Event::MessageDeleted(event) => Some((request.account.clone(), event.keys.clone())),
        _ => None,
    });
    asked.flat_map(|(account, keys)| keys.into_iter().map(move |key: MsgKey| (account.clone(), key.random))).collect()
}

/// Those of the rows first, then those of the conversation.
fn history(rows: &MapRows, account: &Account, peer: &Account) -> Vec<(HistoryPlace, HistoryEntry)> {
    let (prefix, conversation) = (HistoryRow::prefix(account, peer), ConversationRow::key(account, peer));
    let mut held = Vec::new();
    for (key, value) in all(rows) {
        if key.starts_with(prefix.as_slice()) {
            let (place, row) = HistoryRow::read(&key, &value).unwrap();
            held.extend(row.entries.to_vec().unwrap());
            assert!(held.last().is_some_and(|(last, _)| *last <= place), "a row reaches beyond its key");
        } else if key == conversation.as_slice() {
            held.extend(ConversationRow::decode(&value).unwrap().newest.to_vec().unwrap());
        }
    }
    held
}

fn order_is_kept(world: &World, rebuilt: &[MapRows], from: &Account, to: &Account) {
    let mut sent: Vec<(u64, u32)> = Vec::new();
    for request in world.requests.iter().filter(|request| request.account == *from) {
        let Event::MessageSent(event) = &request.event else { continue };
        let mut applied = request.verdicts.iter().filter(|(.., verdict)| matches!(verdict, Verdict::Applied(_)));
        let (first, again) = (applied.next(), applied.next());
        // A key that was forgotten lets a message in twice: it has no one place.
        let Some((offset, ..)) = first.filter(|_| again.is_none()) else { continue };
        if event.receivers.contains(to) && event.content.origin != Origin::Import {
            sent.push((*offset, event.content.random));
        }
    }
    sent.sort();
    let held: Vec<_> = history(&rebuilt[world.home_of(to) as usize], to, from)
        .into_iter()
        .filter(|(_, row)| row.flags.has(RowFlags::INCOMING) && sent.iter().any(|(_, random)| *random == row.random))
        .collect();
    let by_time: Vec<u32> = held.iter().map(|(_, row)| row.random).collect();
    let mut by_ack = by_time.clone();
    by_ack.sort_by_key(|random| sent.iter().position(|(_, sent)| sent == random));
    assert_eq!(by_time, by_ack, "{to} holds {from}'s messages in another order than they were acked in");
    assert!(held.is_sorted_by(|(one, _), (next, _)| one.sequence < next.sequence), "{held:?}");
}

/// Each list and its mirror in the other home hold the same, and a block has no friendship beside it.
fn relations_agree(world: &World, rebuilt: &[MapRows]) {
    let lists = |account: &Account, kind, peer: &Account| {
        let row: Option<RelationRow> =
            get(&rebuilt[world.home_of(account) as usize], RelationRow::key(account, kind, peer).as_slice()).unwrap();
        row.is_some_and(|row| row.listed)
    };
    for one in &world.people {
        for other in world.people.iter().filter(|other| *other != one) {
            let pair = format!("{one} and {other}");
            let (friend, block) = (lists(one, RelationKind::Friend, other), lists(one, RelationKind::Block, other));
            assert_eq!(friend, lists(other, RelationKind::FriendOf, one), "friend list and mirror of {pair}");
            assert_eq!(block, lists(other, RelationKind::BlockedBy, one), "blacklist and mirror of {pair}");
            let friends = friend || lists(other, RelationKind::Friend, one);
            assert!(!(block && friends), "{pair} are friends although one has blocked the other");
        }
    }
}

/// Every home has the same pushes to all in the same order, one for each request, and no account has one twice.
fn broadcasts_are_taken_once(world: &World, rebuilt: &[MapRows]) {
    let tasks = |rows: &MapRows| -> Vec<(u64, BroadcastRow)> {
        let rows = all(rows).into_iter().filter(|(key, _)| key[0] == Table::Broadcast as u8);
        rows.map(|(key, value)| (BroadcastRow::number(&key).unwrap(), BroadcastRow::decode(&value).unwrap())).collect()
    };
    let names = |rows: &MapRows| tasks(rows).into_iter().map(|(number, row)| (number, row.task_id)).collect::<Vec<_>>();
    for rows in &rebuilt[1..] {
        let (first, other) = (names(&rebuilt[0]), names(rows));
        let shared = first.len().min(other.len());
        assert_eq!(first[first.len() - shared..], other[other.len() - shared..], "pushes to all differ between homes");
    }
    for request in &world.requests {
        let Event::BroadcastIssued(event) = &request.event else { continue };
        let issued = tasks(&rebuilt[0]).iter().filter(|(_, row)| row.task_id == event.task_id).count();
        assert!(issued <= 1, "{} was issued {issued} times", event.task_id);
    }
    for account in &world.people {
        let rows = &rebuilt[world.home_of(account) as usize];
        let pointers: Vec<_> = tasks(rows).into_iter().map(|(_, row)| row.pointer).collect();
        let mut taken = BTreeSet::new();
        for (key, value) in all(rows).iter().filter(|(key, _)| key[0] == Table::Timeline as u8) {
            let TimelineEntry::Message { pointer, .. } = TimelineRow::decode(value).unwrap().entry else { continue };
            if is_of(key, account) && pointers.contains(&pointer) {
                assert!(taken.insert(pointer), "{account} took the push at {pointer:?} twice");
            }
        }
    }
}

/// One account's counters, marks and places are what its rows say.
fn mailbox_adds_up(rows: &MapRows, meta: &MetaRow, account: &Account, long: bool) {
    let mailbox = Mailbox::new(rows, meta);
    let owner = mailbox.account_row(account).unwrap().unwrap();
    let mine: Vec<_> = all(rows).into_iter().filter(|(key, _)| is_of(key, account)).collect();
    let of = |table: Table| mine.iter().filter(move |(key, _)| key[0] == table as u8);
    let conversations: Vec<(Account, ConversationRow)> = of(Table::Conversation)
        .map(|(key, value)| (second(key, Table::Conversation), ConversationRow::decode(value).unwrap()))
        .collect();
    let unread: u64 = conversations.iter().map(|(_, row)| row.unread).sum();
    if !owner.exists {
        return;
    }
    assert_eq!(owner.unread_total, unread, "unread of {account}");
    let pending = mailbox.listed(account, RelationKind::Pending, None, usize::MAX).unwrap();
    assert_eq!(owner.pending as usize, pending.len(), "friend requests that wait for {account}");
    let places: BTreeSet<_> = of(Table::Recent).map(|(key, _)| key.clone()).collect();
    assert!(places.len() <= meta.policy.recent_contacts as usize, "{account} has {} recent contacts", places.len());
    assert_eq!(owner.recents as usize, places.len(), "recent contacts of {account}");
    for (peer, row) in &conversations {
        if let Some(recent) = row.recent {
            assert!(recent.row <= recent.time, "{peer}'s row is not later than its place");
            let key = RecentRow::key(account, recent.row, peer);
            assert!(places.contains(key.as_slice()), "{peer}'s place");
        } else {
            assert_eq!(row.unread, 0, "{account} has unread messages of {peer} in no recent contact");
        }
        if !long {
            unread_is_what_history_counts(rows, account, peer, row);
        }
    }
    places_ascend(rows, &mine, &owner, account);
    let contacts = mailbox.recent_contacts(account, None).unwrap();
    assert!(contacts.list.is_sorted_by(|one, next| one.time >= next.time), "newest first");
    for (_, value) in of(Table::Device) {
        assert!(DeviceRow::decode(value).unwrap().cursor <= owner.sequence);
    }
    assert!(owner.floor <= owner.sequence);
}

fn places_ascend(rows: &MapRows, mine: &[(bytes::Bytes, bytes::Bytes)], owner: &AccountRow, account: &Account) {
    let (mut sequences, mut before) = (BTreeSet::new(), None);
    for (key, value) in mine {
        if key[0] == Table::Conversation as u8 {
            for (place, _) in history(rows, account, &second(key, Table::Conversation)) {
                assert!(sequences.insert(place.sequence), "{account} was given {} twice", place.sequence);
            }
        } else if key[0] == Table::Timeline as u8 {
            let (sequence, row) = (TimelineRow::sequence(key).unwrap(), TimelineRow::decode(value).unwrap());
            assert!(row.previous < sequence && sequence <= owner.last_entry && row.ordinal <= owner.entries);
            if let Some((last, ordinal)) = before.replace((sequence, row.ordinal)) {
                assert!(last <= row.previous && ordinal < row.ordinal, "timeline of {account} at {sequence}");
            }
        }
    }
    assert!(sequences.last().is_none_or(|last| *last <= owner.sequence));
    assert!(owner.last_entry <= owner.sequence);
}

fn unread_is_what_history_counts(rows: &MapRows, account: &Account, peer: &Account, row: &ConversationRow) {
    if row.recent.is_none() {
        return;
    }
    let counted = history(rows, account, peer)
        .into_iter()
        .filter(|(place, held)| held.flags.has(RowFlags::COUNTS) && row.counts_at(place.time))
        .count();
    assert_eq!(row.unread as usize, counted, "{account}'s unread messages of {peer}");
}

fn is_of(key: &[u8], account: &Account) -> bool {
    let table = Table::from_byte(key[0]).expect("a table");
    let by_account = matches!(
        table,
        Table::Timeline | Table::History | Table::Conversation | Table::Recent | Table::Device | Table::Session
    );
    by_account && KeyReader::new(key, table).unwrap().text().unwrap() == account.as_str()
}

fn second(key: &[u8], table: Table) -> Account {
    let mut reader = KeyReader::new(key, table).unwrap();
    reader.text().unwrap();
    reader.account().unwrap()
}
