mod appends;
mod broadcast;
mod courier;
mod unasked;
mod undecodable;
mod unreturned;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use duolog_test_messages::{message, name};
use duolog_topics::{BlacklistChanged, MessageRecalled, MessageSent, Origin, RawJson};

use super::*;
use crate::domain::verdict::{Answer, Sent, Verdict};
use crate::domain::view::Entry;
use crate::log::embedded::EmbeddedLog;
use crate::log::memory::MemoryLog;
use crate::store::{Shared, SharedSizes};

mod nodes;
mod storm;

fn open(log: Arc<dyn Log>, dir: &Path, clock: &Clock) -> Engine {
    let shared = Shared::new(SharedSizes::default()).unwrap();
    let partitions = log.partitions();
    let expiry: Vec<_> = (0..partitions).map(|_| ExpiredRows::new()).collect();
    let stores = (0..partitions)
        .map(|id| {
            let path = dir.join("state").join(id.to_string());
            Store::open(&path, &shared, expiry[id as usize].clone()).unwrap()
        })
        .collect();
    let policy = PolicyChanged { revision: 1, ..PolicyChanged::default() };
    let parts = Parts { log, stores, expiry, policy, node: "test".to_owned(), clock: Some(clock.clone()), aside: None };
    Engine::open(parts, |_, _, _| {}).unwrap()
}

async fn import(engine: &Engine, accounts: &[&str]) {
    for account in accounts {
        let verdict = engine.submit(&name(account), duolog_test_messages::import().into()).await.unwrap();
        assert_eq!(verdict, Verdict::Applied(Answer::Done));
    }
}

async fn send(engine: &Engine, from: &str, event: MessageSent) -> Verdict {
    engine.submit(&name(from), event.into()).await.unwrap()
}

pub(super) async fn inbox(engine: &Engine, account: &str) -> Vec<String> {
    let owner = name(account);
    let page = engine.read(&name(account), move |mailbox| mailbox.timeline(&owner, 0, 100)).await.unwrap();
    page.list
        .into_iter()
        .map(|(_, entry)| match entry {
            Entry::Message(message) => message.body.as_str().to_owned(),
            Entry::Change { change, .. } => format!("{change:?}"),
        })
        .collect()
}

fn sent(verdict: Verdict) -> Sent {
    match verdict {
        Verdict::Applied(Answer::Sent(sent)) | Verdict::Repeat(Answer::Sent(sent)) => sent,
        other => panic!("not sent: {other:?}"),
    }
}

/// Waits until carried records have reached every home: the homes' rows are then what the log says.
async fn arrived(engine: &Engine, account: &str, count: usize) -> Vec<String> {
    let home = engine.owned(engine.partition_of(&name(account))).unwrap();
    loop {
        let notified = home.committed.notified();
        let found = inbox(engine, account).await;
        if found.len() >= count {
            return found;
        }
        notified.await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_delivered_once_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_700_000_000_000);
    let path = dir.path().join("log");
    let engine = open(Arc::new(EmbeddedLog::open(&path, 1).unwrap()), dir.path(), &clock);
    import(&engine, &["alice", "bob"]).await;
    let first = sent(send(&engine, "alice", message(&["bob"], "hello", 1)).await);
    let again = sent(send(&engine, "alice", message(&["bob"], "hello", 1)).await);
    assert_eq!(first, again, "a retry gets the first answer");
    assert_eq!(inbox(&engine, "bob").await.len(), 1);
    engine.stop();
    drop(engine);

    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let engine = open(Arc::new(EmbeddedLog::open(&path, 1).unwrap()), dir.path(), &clock);
    assert_eq!(inbox(&engine, "bob").await.len(), 1, "a rebuild gives the same mailbox");
    assert_eq!(sent(send(&engine, "alice", message(&["bob"], "hello", 1)).await), first);
    engine.stop();
}

/// Flips bytes in the middle of a partition's largest table: where bodies lie.
fn damage(state: &Path) {
    let tables = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let tables = tables.filter(|path| path.extension().is_some_and(|extension| extension == "sst"));
    let largest = tables.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&largest).unwrap();
    let (from, until) = (bytes.len() * 2 / 5, bytes.len() * 3 / 5);
    bytes[from..until].iter_mut().step_by(64).for_each(|byte| *byte ^= 1);
    std::fs::write(&largest, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_is_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let (log, clock) = (MemoryLog::new(1), Clock::manual(1_700_000_000_000));
    let engine = open(Arc::new(log.clone()), dir.path(), &clock);
    import(&engine, &["alice", "bob"]).await;
    for random in 0..300 {
        send(&engine, "alice", message(&["bob"], &format!("{random:0200}"), random)).await;
    }
    engine.stop();
    drop(engine);

    damage(&dir.path().join("state").join("0"));
    let engine = open(Arc::new(log), dir.path(), &clock);
    assert!(engine.owns_all());
    let bob = name("bob");
    let page = engine.read(&bob.clone(), move |mailbox| mailbox.timeline(&bob, 0, 1_000)).await;
    assert!(matches!(page, Err(EngineError::Rows(_))), "{}", page.is_ok());
    assert!(!engine.owns_all(), "it goes on as if nothing were wrong");
    engine.stop();
}

/// A back end that gives every message the same MsgSeq and MsgRandom.
fn from_a_back_end(text: &str, hash: u64) -> MessageSent {
    let mut event = message(&["bob"], text, 7);
    event.content.origin = Origin::Server;
    MessageSent { seq_given: true, request_hash: hash, ..event }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_names_one_message_of_a_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Arc::new(MemoryLog::new(1)), dir.path(), &Clock::manual(1_700_000_000_000));
    import(&engine, &["alice", "bob"]).await;
    let mut keys = Vec::new();
    for number in 0..5 {
        keys.push(sent(send(&engine, "alice", from_a_back_end("order", number)).await).key);
    }
    let distinct: std::collections::BTreeSet<_> = keys.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), keys.len(), "{distinct:?}");
    let again = sent(send(&engine, "alice", from_a_back_end("order", 3)).await).key;
    assert_eq!(again, keys[3], "a repeat is still one");
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_of_repeats_ends_though_nothing_else_happens() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_700_000_000_000);
    let engine = open(Arc::new(MemoryLog::new(1)), dir.path(), &clock);
    import(&engine, &["alice", "bob"]).await;
    let window = engine.policy().dedup_seconds * 1000;
    send(&engine, "alice", from_a_back_end("the same every time", 1)).await;
    clock.advance(window);
    assert!(matches!(send(&engine, "alice", from_a_back_end("the same every time", 1)).await, Verdict::Repeat(_)));
    clock.advance(1);
    assert!(matches!(send(&engine, "alice", from_a_back_end("the same every time", 1)).await, Verdict::Applied(_)));
    assert_eq!(inbox(&engine, "bob").await.len(), 2);
    engine.stop();
}

/// The clock of the owner before was ahead.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_log_does_not_go_back_with_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (log, clock) = (Arc::new(MemoryLog::new(1)), Clock::manual(1_700_000_000_000));
    let ahead = Clock::manual(clock.now() + 3_600_000);
    let engine = open(log.clone(), dir.path(), &ahead);
    import(&engine, &["alice", "bob"]).await;
    engine.stop();
    drop(engine);

    let engine = open(log, dir.path(), &clock);
    let first = sent(send(&engine, "alice", from_a_back_end("once", 1)).await);
    assert!(matches!(send(&engine, "alice", from_a_back_end("once", 1)).await, Verdict::Repeat(_)));
    assert!(first.key.time * 1000 >= ahead.now());
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_silent_and_a_recall_reaches_the_receiver_across_partitions() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_700_000_000_000);
    let engine = open(Arc::new(MemoryLog::new(3)), dir.path(), &clock);
    let people = ["alice", "bob", "carol", "dave"];
    import(&engine, &people).await;
    let homes: std::collections::BTreeSet<u32> = people.iter().map(|who| engine.partition_of(&name(who))).collect();
    assert!(homes.len() > 1, "the accounts live in several homes");
    for (place, to) in people.iter().skip(1).enumerate() {
        let first = sent(send(&engine, "alice", message(&[to], "hello", place as u32)).await);
        assert_eq!(arrived(&engine, to, 1).await.len(), 1);
        let recall = MessageRecalled {
            from: name("alice"),
            to: name(to),
            key: first.key,
            by: name("alice"),
            by_operator: false,
            via: None,
        };
        let verdict = engine.submit(&name("alice"), recall.into()).await.unwrap();
        assert_eq!(verdict, Verdict::Applied(Answer::Done));
        let found = arrived(&engine, to, 2).await;
        assert_eq!(found[0], "[]", "the recalled body is gone");

        let block =
            BlacklistChanged { owner: name(to), peers: vec![name("alice")], blocked: true, decided: None, via: None };
        engine.submit(&name(to), block.into()).await.unwrap();
        let before = inbox(&engine, to).await.len();
        let dropped = send(&engine, "alice", message(&[to], "you there?", 100 + place as u32)).await;
        assert!(sent(dropped).sequence.is_some(), "the blocked sender sees success");
        // The server API passes the block, and travels behind what was sent before it.
        let mut behind = message(&[to], "from the back office", 150 + place as u32);
        behind.content.origin = Origin::Server;
        send(&engine, "alice", behind).await;
        arrived(&engine, to, before + 1).await;
        let unblock =
            BlacklistChanged { owner: name(to), peers: vec![name("alice")], blocked: false, decided: None, via: None };
        engine.submit(&name(to), unblock.into()).await.unwrap();
        send(&engine, "alice", message(&[to], "again", 200 + place as u32)).await;
        let found = arrived(&engine, to, before + 3).await;
        assert!(found.iter().all(|body| !body.contains("you there?")));
    }
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_be_changed_and_confirmed_wherever_its_receiver_lives() {
    use duolog_topics::{MessageModified, MessageReceipted};
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Arc::new(MemoryLog::new(3)), dir.path(), &Clock::manual(1_700_000_000_000));
    import(&engine, &["alice", "bob", "carol"]).await;
    for to in ["bob", "carol"] {
        let first = sent(send(&engine, "alice", message(&[to], "helo", 1)).await);
        arrived(&engine, to, 1).await;
        let (from, key, by) = (name("alice"), first.key, name("alice"));
        let body = Some(RawJson::from_checked(r#"["hello"]"#));
        let changed =
            MessageModified { from: from.clone(), to: name(to), key, by, by_operator: false, body, custom: None };
        let verdict = engine.submit(&from, changed.into()).await.unwrap();
        assert_eq!(verdict, Verdict::Applied(Answer::Done));
        assert_eq!(arrived(&engine, to, 2).await[0], r#"["hello"]"#);

        let before = inbox(&engine, "alice").await.len();
        let receipt = MessageReceipted { reader: name(to), sender: from, keys: vec![key] };
        engine.submit(&name(to), receipt.into()).await.unwrap();
        let found = arrived(&engine, "alice", before + 1).await;
        assert!(found[before].contains("ReceiptKeys"), "{found:?}");
    }
    engine.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_request_waits_for_its_answer() {
    use duolog_topics::{FriendAction, FriendChanged, ProfileChanged, ProfileItem, TagValue};
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Arc::new(MemoryLog::new(1)), dir.path(), &Clock::manual(1_700_000_000_000));
    import(&engine, &["alice", "bob"]).await;
    let value = TagValue::Text("AllowType_Type_NeedConfirm".to_owned());
    let items = vec![ProfileItem { tag: "Tag_Profile_IM_AllowType".to_owned(), value }];
    engine.submit(&name("bob"), ProfileChanged { items, via: None }.into()).await.unwrap();
    let change = |owner: &str, peer: &str, action| FriendChanged {
        owner: name(owner),
        peer: name(peer),
        action,
        both: true,
        forced: false,
        remark: None,
        groups: None,
        source: None,
        wording: None,
        custom: None,
        decided: None,
        via: None,
    };
    let groups = Some(vec!["work".to_owned()]);
    let add = FriendChanged { remark: Some("B".to_owned()), groups, ..change("alice", "bob", FriendAction::Add) };
    assert_eq!(engine.submit(&name("alice"), add.into()).await.unwrap(), Verdict::Applied(Answer::Pending));
    let accept = FriendChanged { remark: Some("A".to_owned()), ..change("bob", "alice", FriendAction::Accept) };
    let accepted = engine.submit(&name("bob"), accept.clone().into()).await.unwrap();
    assert_eq!(accepted, Verdict::Applied(Answer::Done));
    let again = engine.submit(&name("bob"), accept.into()).await.unwrap();
    assert!(matches!(again, Verdict::Refused(refusal) if refusal.code == crate::error::Code::FRIEND_REQUEST_UNKNOWN));
    for (owner, peer, remark, groups) in [("alice", "bob", "B", &["work".to_owned()][..]), ("bob", "alice", "A", &[])] {
        let kind = crate::domain::rows::RelationKind::Friend;
        let home = name(owner);
        let friend =
            engine.read(&home, move |mailbox| mailbox.relation(&name(owner), kind, &name(peer))).await.unwrap();
        let friend = friend.filter(|row| row.listed).unwrap_or_else(|| panic!("{owner} lists {peer}"));
        assert_eq!((friend.remark.as_deref(), &friend.groups[..]), (Some(remark), groups), "{owner}'s {peer}");
    }
    engine.stop();
}
