use std::{ops::ControlFlow, thread};

use super::*;
use crate::domain::rows::{Changes, Key, RowsError, Table};

#[test]
fn a_view_stays_as_it_is_and_can_go_to_another_thread() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert_eq!((store.applied(), store.view().applied().unwrap()), (None, None));
    put(&store, 1, [(1, "one"), (2, "two")]);
    let before = store.view();
    store
        .writer()
        .commit(&mut Changes::from_iter([(key(1), Some(Bytes::from("eins"))), (key(2), None)]), at(2))
        .unwrap();
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
fn a_view_of_the_first_table_keeps_a_row_that_is_deleted_and_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, [(1, "one"), (2, "two")]);
    store.flush().unwrap();
    let before = store.view();
    store.writer().commit(&mut Changes::from_iter([(key(1), None::<Bytes>)]), at(2)).unwrap();
    store.flush().unwrap();
    store.core.db.compact_range::<&[u8], &[u8]>(None, None);
    assert_eq!(before.get(&key(1)).unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!((all(&before).len(), all(&store.view()).len()), (2, 1));
}

#[test]
fn what_a_compaction_writes_is_read_without_the_disk() {
    const ROWS: u32 = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let value = "y".repeat(500);
    for next in 1..=2 {
        let rows = (0..ROWS).map(|number| (key(number), Some(Bytes::from(value.clone()))));
        store.writer().commit(&mut rows.collect(), at(next)).unwrap();
        store.flush().unwrap();
    }
    let cached = || store.core.db.property_int_value("rocksdb.block-cache-usage").unwrap().unwrap();
    let before = cached();
    store.core.db.compact_range::<&[u8], &[u8]>(None, None);
    let more = cached().saturating_sub(before);
    assert!(more >= u64::from(ROWS) * value.len() as u64, "{more} bytes more than {before}");
}

#[test]
fn new_bodies_are_taken_in_where_they_stay_and_changed_ones_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let body = |number: u8| vec![Table::Message as u8, number];
    let commit = |next: u64, bodies: &[(u8, &'static str)]| {
        let around = [vec![Table::Meta as u8], vec![Table::Account as u8]].map(|key| (key, Some(Bytes::from("x"))));
        let bodies = bodies.iter().map(|(number, value)| (body(*number), Some(Bytes::from(*value))));
        store.writer().commit(&mut around.into_iter().chain(bodies).collect(), at(next)).unwrap();
        store.flush().unwrap();
    };
    for next in 1..=3 {
        commit(next, &[(next as u8, "first")]);
    }
    let files = store.core.db.live_files().unwrap();
    let of_bodies = |key: &Option<Vec<u8>>| key.as_ref().is_some_and(|key| key[0] == Table::Message as u8);
    let levels: Vec<_> = files.iter().filter(|file| of_bodies(&file.start_key)).map(|file| file.level).collect();
    assert_eq!(levels.len(), 3);
    assert!(levels.iter().all(|level| *level > 0), "a compaction would write them again: {levels:?}");
    assert!(files.iter().all(|file| of_bodies(&file.start_key) == of_bodies(&file.end_key)));

    commit(4, &[(1, "changed"), (4, "first")]);
    for (number, value) in [(1, "changed"), (2, "first"), (3, "first"), (4, "first")] {
        assert_eq!(store.get(&body(number)).unwrap().as_deref(), Some(value.as_bytes()), "{number}");
    }
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
    open(folder.path())
        .writer()
        .commit(&mut Changes::from_iter([(Bytes::from_static(&[0, 1]), None::<Bytes>)]), at(1))
        .unwrap();
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
    store.core.db.compact_range::<&[u8], &[u8]>(None, None);
    let kept: Vec<Bytes> = all(&store.view()).into_keys().collect();
    assert_eq!(kept, [key(2), key(3)]);
    assert_eq!(store.view().applied().unwrap(), Some(at(2)));
}

/// A crash would take back what is not flushed, and rows that have gone because of it would not come again.
#[test]
fn expiry_hears_of_what_is_durable_only() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<Option<Bytes>>>);
    impl Expiry for Heard {
        fn expired(&self, _: &[u8], _: &[u8]) -> bool {
            false
        }

        fn flushed(&self, row: &TableReader<'_>) {
            self.0.lock().push(row(&key(1)).unwrap());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let heard = Arc::new(Heard::default());
    let store = Store::open(folder.path(), &shared(), heard.clone()).unwrap();
    put(&store, 1, [(1, "first")]);
    store.flush().unwrap();
    put(&store, 2, [(1, "second")]);
    let (nothing, first, second) = (None, Some(Bytes::from("first")), Some(Bytes::from("second")));
    assert_eq!(*heard.0.lock(), [nothing.clone(), first.clone()]);
    store.flush().unwrap();
    drop(store);
    drop(Store::open(folder.path(), &shared(), heard.clone()).unwrap());
    assert_eq!(*heard.0.lock(), [nothing, first, second.clone(), second]);
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
    store.core.db.compact_range::<&[u8], &[u8]>(None, None);
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
            store
                .writer()
                .commit(&mut Changes::from_iter([(key(next as u32), Some(large.clone()))]), at(next))
                .unwrap();
        }
    }
    // 12 MiB of rows in each, and 8 MiB of write buffers for all: each has made tables.
    for store in &stores {
        store.core.tables.wait().unwrap();
        assert!(!store.core.db.live_files().unwrap().is_empty());
    }
}

#[test]
fn rows_are_read_while_they_become_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, [(1, "one"), (2, "two"), (3, "three")]);
    let before = store.view();
    store.flush_in_background().unwrap();
    put(&store, 2, [(1, "eins"), (4, "four")]);
    let expected = [(key(1), "eins".into()), (key(2), "two".into()), (key(3), "three".into()), (key(4), "four".into())];
    assert_eq!(scan(&store, EVERYTHING, Direction::Forward), expected);
    store.core.tables.wait().unwrap();
    assert_eq!(scan(&store, EVERYTHING, Direction::Forward), expected);
    assert_eq!(before.get(&key(1)).unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(all(&before).len(), 3);
    // The last commit is not flushed; the one before is there.
    let found = Store::open_read_only(folder.path()).unwrap();
    assert_eq!((all(&found).len(), found.applied().unwrap()), (3, Some(at(1))));
    assert_eq!(store.applied(), Some(at(2)));
}

#[test]
fn a_row_keeps_the_versions_that_views_look_at_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let numbers = || store.core.layers.read().active.hot().read().versions(&key(1));
    let mut views = Vec::new();
    for next in 1..=6_u64 {
        put(&store, next, [(1, ["a", "b", "c", "d", "e", "f"][next as usize - 1])]);
        if next % 2 == 0 {
            views.push(store.view());
        }
    }
    assert_eq!(numbers(), [6, 4, 2]);
    let seen: Vec<_> = views.iter().map(|view| view.get(&key(1)).unwrap().unwrap()).collect();
    assert_eq!(seen, ["b", "d", "f"]);
    views.remove(1);
    put(&store, 7, [(1, "g")]);
    assert_eq!(numbers(), [7, 6, 2]);
    views.clear();
    put(&store, 8, [(1, "h")]);
    assert_eq!(numbers(), [8]);
}

#[test]
fn a_long_walk_lets_commits_in_and_does_not_see_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let prefix = Key::of(Table::Timeline).text("alice");
    let entry = |number: u64| (prefix.clone().u64(number), Some(Bytes::from(number.to_string())));
    store.writer().commit(&mut (0..3_000).step_by(2).map(entry).collect(), at(1)).unwrap();
    let view = store.view();
    let (from, until) = (prefix.clone().into_bytes(), prefix.end_of_prefix());
    let range = KeyRange { from: Bound::Included(&from), until: Bound::Excluded(&until) };
    for direction in [Direction::Forward, Direction::Backward] {
        let mut seen = 0;
        let visit = &mut |_: &[u8], _: &[u8]| {
            seen += 1;
            if seen % 100 == 0 {
                let next = store.applied().unwrap().next + 1;
                store.writer().commit(&mut (0..3_000).map(entry).collect(), at(next)).unwrap();
            }
            ControlFlow::Continue(())
        };
        view.scan(range, direction, visit).unwrap();
        assert_eq!(seen, 1_500);
    }
    assert_eq!(scan(&store, range, Direction::Forward).len(), 3_000);
}
