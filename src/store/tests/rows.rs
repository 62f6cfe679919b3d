use std::{ops::ControlFlow, thread};

use super::*;
use crate::domain::rows::{Changes, RowsError};

#[test]
fn a_view_stays_as_it_is_and_can_go_to_another_thread() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert_eq!((store.applied(), store.view().applied().unwrap()), (None, None));
    put(&store, 1, [(1, "one"), (2, "two")]);
    let before = store.view();
    store.commit(&Changes::from_iter([(key(1), Some(Bytes::from("eins"))), (key(2), None)]), at(2)).unwrap();
    store.flush().unwrap();
    let after = store.view();
    drop(store);
    thread::spawn(move || {
        assert_eq!(before.get(&key(1)).unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(before.get(&key(2)).unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(before.applied().unwrap(), Some(at(1)));
    })
    .join()
    .unwrap();
    assert_eq!(after.get(&key(1)).unwrap().as_deref(), Some(&b"eins"[..]));
    assert_eq!(after.get(&key(2)).unwrap(), None);
    assert_eq!(after.applied().unwrap(), Some(at(2)));
}

#[test]
fn a_scan_ends_when_its_visitor_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, [(1, "one"), (2, "two"), (3, "three")]);
    let view = store.view();
    let mut seen = 0;
    let stop = |seen: &mut i32, result: Result<(), RowsError>| {
        *seen += 1;
        if *seen == 2 { ControlFlow::Break(result) } else { ControlFlow::Continue(()) }
    };
    view.scan(EVERYTHING, Direction::Backward, &mut |_, _| stop(&mut seen, Ok(()))).unwrap();
    assert_eq!(seen, 2);
    seen = 0;
    let failed = Err(RowsError("as the test asked".into()));
    view.scan(EVERYTHING, Direction::Forward, &mut |_, _| stop(&mut seen, failed.clone())).unwrap_err();
    assert_eq!(seen, 2);
}

#[test]
#[should_panic = "the store is at 5, a commit says 4"]
fn the_place_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 5, []);
    put(&store, 4, []);
}

#[test]
#[should_panic = "is no row's"]
fn the_stores_own_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).commit(&Changes::from_iter([(Bytes::from_static(&[0, 1]), None::<Bytes>)]), at(1)).unwrap();
}

#[test]
fn expired_rows_go_with_a_compaction_and_the_place_stays() {
    struct Odd;
    impl Expiry for Odd {
        fn expired(&self, key: &[u8], value: &[u8]) -> bool {
            assert_ne!(key.first(), Some(&0), "the store's own rows are no business of expiry");
            value == b"old" && key.last().is_some_and(|last| last % 2 == 1)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &shared(), Arc::new(Odd)).unwrap();
    put(&store, 1, [(1, "old"), (2, "old"), (3, "new")]);
    store.flush().unwrap();
    put(&store, 2, [(5, "old")]);
    store.flush().unwrap();
    store.db.compact_range::<&[u8], &[u8]>(None, None);
    let kept: Vec<Bytes> = all(&store.view()).into_keys().collect();
    assert_eq!(kept, [key(2), key(3)]);
    assert_eq!(store.view().applied().unwrap(), Some(at(2)));
}

#[test]
fn a_tool_sees_what_was_flushed_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, [(1, "one")]);
    assert_eq!(store.flush().unwrap(), Some(at(1)));
    put(&store, 2, [(1, "two")]);
    let before = files(folder.path());
    let tool = Store::open_read_only(folder.path()).unwrap();
    assert!(files(folder.path()) == before);
    assert_eq!(tool.applied().unwrap(), Some(at(1)));
    assert_eq!(tool.get(&key(1)).unwrap().as_deref(), Some(&b"one"[..]));
    store.flush().unwrap();
    store.db.compact_range::<&[u8], &[u8]>(None, None);
    assert_eq!(all(&tool).len(), 1, "files that the server removed can still be read");
    assert!(Store::open_read_only(&folder.path().join("nowhere")).is_err());
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn one_store_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let _held = open(folder.path());
    let refused = Store::open(folder.path(), &shared(), Arc::new(KeepAll)).err().unwrap();
    assert!(matches!(refused, StoreError::Open { .. }), "{refused}");
}

#[test]
fn stores_share_what_bounds_their_memory() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared();
    let stores: Vec<Store> = (0..3)
        .map(|partition: u32| {
            let path = folder.path().join(partition.to_string());
            Store::open(&path, &shared, Arc::new(KeepAll)).unwrap()
        })
        .collect();
    let large: Bytes = vec![7; 1 << 20].into();
    for next in 1..=12 {
        for store in &stores {
            store.commit(&Changes::from_iter([(key(next as u32), Some(large.clone()))]), at(next)).unwrap();
        }
    }
    // 36 MiB of rows and 8 MiB of write buffers: some store has been made to flush.
    let flushed = |store: &Store| store.db.live_files().unwrap().len();
    let waited = rocksdb::WaitForCompactOptions::default();
    stores.iter().for_each(|store| store.db.wait_for_compact(&waited).unwrap());
    assert!(stores.iter().map(flushed).sum::<usize>() > 0);
}

#[test]
fn an_ingested_batch_reads_like_a_committed_one_and_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, [(1, "one"), (2, "two"), (3, "three")]);
    let before = store.view();
    let changes = Changes::from_iter([(key(1), Some(Bytes::from("eins"))), (key(2), None)]);
    store.ingest(&changes, at(2)).unwrap();
    put(&store, 3, [(4, "four")]);
    let expected = [(key(1), "eins".into()), (key(3), "three".into()), (key(4), "four".into())];
    assert_eq!(scan(&store, EVERYTHING, Direction::Forward), expected);
    assert_eq!(store.applied(), Some(at(3)));
    assert_eq!(before.get(&key(1)).unwrap().as_deref(), Some(&b"one"[..]));
    // The last commit is not flushed; what was ingested and all before it is there.
    let found = Store::open_read_only(folder.path()).unwrap();
    assert_eq!(scan(&found, EVERYTHING, Direction::Forward), expected[..2]);
    assert_eq!(found.applied().unwrap(), Some(at(2)));
}
