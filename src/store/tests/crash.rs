use super::*;

#[test]
fn a_clean_stop_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 7, [(1, "one")]);
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.applied(), Some(at(7)));
    assert_eq!(all(&store.view()).len(), 1);
}

#[test]
fn a_crash_goes_back_to_a_flush_and_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let crashed = |held: Option<Applied>| {
        let image = image(&store);
        let store = open(image.path());
        assert_eq!(store.applied(), held);
        assert_eq!(all(&store.view()).len() as u64, held.map_or(0, |held| held.next));
    };
    crashed(None);
    for next in 1..=30_u64 {
        put(&store, next, [(next as u32, "row")]);
        if next % 10 == 0 {
            assert_eq!(store.flush().unwrap(), Some(at(next)));
        }
        let flushed = next / 10 * 10;
        crashed((flushed > 0).then(|| at(flushed)));
    }
}

#[test]
fn a_flush_in_the_background_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, [(1, "one")]);
    store.flush_in_background().unwrap();
    store.core.tables.wait().unwrap();
    assert_eq!(open(image(&store).path()).applied(), Some(at(1)));
}

#[test]
fn a_checkpoint_is_a_store_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("state"));
    put(&store, 1, [(1, "one")]);
    let copy = folder.path().join("copy");
    assert_eq!(store.checkpoint(&copy).unwrap(), Some(at(1)));
    assert!(store.checkpoint(&copy).is_err(), "never over another one");
    put(&store, 2, [(1, "two")]);
    let copy = open(&copy);
    put(&copy, 3, [(2, "other")]);
    assert_eq!(all(&copy.view()), Model::from([(key(1), "one".into()), (key(2), "other".into())]));
    assert_eq!(all(&store.view()), Model::from([(key(1), "two".into())]));
}

#[test]
fn a_damaged_table_is_never_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, (0..2_000).map(|number| (number, "a row of some length, so that there are several blocks")));
    drop(store);
    let whole = all(&Store::open_read_only(folder.path()).unwrap());
    let table = |path: &Path| {
        let mut files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        files.find(|file| file.extension().is_some_and(|extension| extension == "sst")).unwrap()
    };
    let length = fs::metadata(table(folder.path())).unwrap().len() as usize;
    let mut found = 0;
    for place in (0..length).step_by(length / 40) {
        let image = image_of(folder.path());
        let file = table(image.path());
        let mut bytes = fs::read(&file).unwrap();
        bytes[place] ^= 0x20;
        fs::write(&file, bytes).unwrap();
        let Ok(store) = Store::open(image.path(), &shared(), Arc::new(KeepAll)) else {
            found += 1;
            continue;
        };
        let mut rows = Model::new();
        let visit = &mut |key: &[u8], value: &[u8]| {
            rows.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            std::ops::ControlFlow::Continue(())
        };
        let result = store.view().scan(EVERYTHING, Direction::Forward, visit);
        assert!(rows.iter().all(|(key, value)| whole.get(key) == Some(value)), "flipped at {place}");
        assert!(result.is_err() || rows == whole, "flipped at {place}: rows are missing, and nobody said so");
        found += usize::from(result.is_err());
    }
    assert!(found > 20, "{found}");
}

#[test]
fn a_table_that_cannot_be_written_stops_the_store_and_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, [(1, "one")]);
    store.flush().unwrap();
    // Where the next table would be made.
    let in_the_way = folder.path().join("ingest.sst");
    fs::create_dir(&in_the_way).unwrap();
    put(&store, 2, [(2, "two")]);
    store.flush().unwrap_err();
    assert_eq!(all(&store.view()).len(), 2);
    let refused = store.writer().commit(&mut Changes::default(), at(3)).unwrap_err();
    assert!(refused.to_string().contains("writing a table"), "{refused}");
    assert_eq!(store.applied(), Some(at(2)));
    drop(store);
    fs::remove_dir(&in_the_way).unwrap();
    let store = open(folder.path());
    assert_eq!((store.applied(), all(&store.view()).len()), (Some(at(1)), 1));
}

/// A crash may come after RocksDB has noted that it has a table, and before the name is gone under which it was made.
#[test]
fn what_a_crash_leaves_of_a_table_that_was_taken_in_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, [(1, "one"), (2, "two")]);
    store.flush().unwrap();
    let is_table = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "sst");
    let mut files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    fs::hard_link(files.find(is_table).unwrap(), folder.path().join("ingest.sst")).unwrap();
    put(&store, 2, [(2, "zwei"), (3, "three")]);
    drop(store);
    let store = open(folder.path());
    assert_eq!(
        all(&store.view()),
        Model::from([(key(1), "one".into()), (key(2), "zwei".into()), (key(3), "three".into())])
    );
}
