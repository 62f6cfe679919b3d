use super::*;

/// A log with 100 batches of one record in its write-ahead log, as a killed process leaves it.
fn written() -> Disk {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    for number in 0..100 {
        append(&log, [number]);
    }
    disk.image()
}

/// The same records in a table, with none left in the write-ahead log.
fn in_table() -> Disk {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    append(&log, 0..100);
    log.db.flush().unwrap();
    drop(log);
    disk
}

fn refused(disk: &Disk) -> String {
    match disk.open() {
        Ok(log) => panic!("opened, {:?}", readable(&log)),
        Err(LogError::Open(why)) => why,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_torn_tail_is_cut_wherever_it_is_torn() {
    let disk = written();
    let length = fs::metadata(disk.newest("log")).unwrap().len() as usize;
    for cut in (length - 400..length).step_by(7) {
        let image = disk.image();
        change(&image.newest("log"), |bytes| bytes.truncate(cut));
        let log = image.open().unwrap();
        let (held, error) = readable(&log);
        assert!((95..100).contains(&held) && error.is_none(), "cut at {cut} of {length}: {held}, {error:?}");
        assert_eq!(append(&log, held..held + 3), [held, held + 1, held + 2], "and it goes on from there");
        drop(log);
        assert_eq!(readable(&image.open().unwrap()), (held + 3, None));
    }
}

#[test]
fn a_tool_reads_up_to_a_torn_tail_and_refuses_damage() {
    let torn = written();
    change(&torn.newest("log"), |bytes| bytes.truncate(bytes.len() - 9));
    let before = fs::read(torn.newest("log")).unwrap();
    assert_eq!(readable(&ReadOnlyLog::open(torn.path()).unwrap()), (99, None));
    assert!(fs::read(torn.newest("log")).unwrap() == before, "a tool cuts nothing");

    for place in (0..before.len() - 600).step_by(1_009) {
        let damaged = torn.image();
        change(&damaged.newest("log"), |bytes| bytes[place] ^= 0x10);
        assert!(ReadOnlyLog::open(damaged.path()).is_err(), "flipped at {place}");
    }
}

#[test]
fn a_tool_and_the_server_name_the_table_that_is_cut_off() {
    let disk = in_table();
    let table = disk.newest("sst");
    change(&table, |bytes| bytes.truncate(100));
    let to_a_tool = ReadOnlyLog::open(disk.path()).map(drop).unwrap_err().to_string();
    for why in [to_a_tool, refused(&disk)] {
        assert!(why.contains("Corruption") && why.contains(table.to_str().unwrap()), "{why}");
    }
}

#[test]
fn a_last_batch_whose_bytes_never_came_is_cut() {
    let disk = written();
    change(&disk.newest("log"), |bytes| bytes.extend([0; 300]));
    assert_eq!(readable(&disk.open().unwrap()), (100, None));
}

#[test]
fn a_flipped_bit_before_the_tail_is_refused_and_nothing_is_dropped() {
    let disk = written();
    let length = fs::metadata(disk.newest("log")).unwrap().len() as usize;
    for place in (0..length).step_by(211) {
        let image = disk.image();
        let file = image.newest("log");
        change(&file, |bytes| bytes[place] ^= 0x10);
        let damaged = fs::read(&file).unwrap();
        let why = refused(&image);
        assert!(why.contains("damaged at byte"), "{why}");
        assert!(fs::read(&file).unwrap() == damaged, "the file is left as it is");
    }
}

#[test]
fn a_hole_before_the_tail_is_refused() {
    let disk = written();
    change(&disk.newest("log"), |bytes| bytes[1_024..2_048].fill(0));
    refused(&disk);
}

/// A log whose records are spread over several write-ahead logs, all of them needed.
fn over_several_files() -> Disk {
    let disk = Disk::new();
    drop(disk.open().unwrap());
    let mut options = options::options().unwrap();
    options.set_write_buffer_size(64 << 10);
    options.set_max_write_buffer_number(64);
    options.set_min_write_buffer_number_to_merge(32);
    let db = DB::open(&options, disk.path()).unwrap();
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    for first in (0..2_000).step_by(50) {
        let (mut write, mut value) = (WriteBatch::default(), Vec::new());
        for number in first..first + 50 {
            let key = format::key(0, number);
            format::seal(&record(number), &key, &mut value);
            write.put(key, &value);
        }
        db.write_opt(write, &synced).unwrap();
    }
    disk.image()
}

#[test]
fn an_older_write_ahead_log_must_be_whole() {
    let disk = over_several_files();
    let files = disk.files("log");
    assert!(files.len() > 2, "{files:?}");
    let older = &files[files.len() - 2];
    let change_older = |way: fn(&mut Vec<u8>)| {
        let image = disk.image();
        change(&image.path().join(older.file_name().unwrap()), way);
        image
    };
    refused(&change_older(|bytes| bytes.truncate(bytes.len() - 9)));
    refused(&change_older(|bytes| bytes[5_000] ^= 1));
    let missing = disk.image();
    fs::remove_file(missing.path().join(older.file_name().unwrap())).unwrap();
    refused(&missing);
    assert_eq!(readable(&disk.open().unwrap()), (2_000, None));
}

#[test]
fn a_missing_write_ahead_log_is_seen_by_the_place_where_the_log_ends() {
    let disk = written();
    fs::remove_file(disk.newest("log")).unwrap();
    // RocksDB cannot know how much was in the newest one: state that is beyond the end tells (design, section 6).
    if let Ok(log) = disk.open() {
        assert_eq!(readable(&log), (0, None));
    }
}

#[test]
fn a_flipped_bit_in_a_table_is_never_read() {
    let disk = in_table();
    let length = fs::metadata(disk.newest("sst")).unwrap().len() as usize;
    let mut found = 0;
    for place in (0..length).step_by(97) {
        let image = disk.image();
        change(&image.newest("sst"), |bytes| bytes[place] ^= 0x04);
        match image.open() {
            Err(LogError::Open(_) | LogError::Damaged { .. }) => found += 1,
            Err(other) => panic!("flipped at {place}: {other}"),
            Ok(log) => match readable(&log) {
                (_, Some(LogError::Damaged { partition: 0, .. })) => found += 1,
                (held, error) => assert!(held == 100 && error.is_none(), "flipped at {place}: {held}, {error:?}"),
            },
        }
    }
    assert!(found * 97 > length / 2, "{found} of {}", length / 97);
}

#[test]
fn a_truncated_table_is_refused() {
    let disk = in_table();
    change(&disk.newest("sst"), |bytes| bytes.truncate(bytes.len() / 2));
    refused(&disk);
}

#[test]
fn a_missing_table_is_refused() {
    let disk = in_table();
    fs::remove_file(disk.newest("sst")).unwrap();
    refused(&disk);
}

#[test]
fn a_record_that_rocksdb_lost_is_a_hole_and_not_skipped() {
    let disk = in_table();
    let log = disk.open().unwrap();
    log.db.delete(format::key(0, 40)).unwrap();
    assert_eq!(log.read(0, 30, ALL).unwrap().len(), 10, "first what can be read");
    let hole = log.read(0, 40, ALL).unwrap_err();
    assert_eq!(hole, LogError::Damaged { partition: 0, offset: 40, what: "the record is missing".into() });
}

#[test]
fn a_record_that_was_changed_behind_the_checksums_of_rocksdb_is_not_returned() {
    let disk = in_table();
    let log = disk.open().unwrap();
    let other = log.db.get(format::key(0, 7)).unwrap().unwrap();
    log.db.put(format::key(0, 40), other).unwrap();
    assert_eq!(readable(&log).0, 40);
    assert!(matches!(log.read(0, 40, ALL), Err(LogError::Damaged { partition: 0, offset: 40, .. })));
    assert_eq!(log.read(0, 41, ALL).unwrap().len(), 59, "those behind it can be read");
}
