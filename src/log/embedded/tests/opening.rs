use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::*;

#[test]
fn a_killed_process_loses_nothing_that_was_appended() {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    for batch in 0..50 {
        append(&log, batch * 10..batch * 10 + 10);
        if batch % 10 == 0 {
            let image = disk.image();
            assert_eq!(readable(&image.open().unwrap()), (batch * 10 + 10, None));
        }
    }
}

#[test]
fn an_image_taken_while_many_append_holds_what_was_acknowledged_before_it() {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    let next = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| while append_next(&log, &next) < 2_000 {});
        }
        for _ in 0..5 {
            let acknowledged = log.bounds(0).unwrap().high_watermark;
            let image = disk.image();
            let (held, error) = readable(&image.open().unwrap());
            assert!(held >= acknowledged && error.is_none(), "{held} of {acknowledged}: {error:?}");
        }
    });

    /// One at a time, so that the record's number is its offset.
    fn append_next(log: &EmbeddedLog, next: &Mutex<u64>) -> u64 {
        let mut next = next.lock();
        append(log, [*next]);
        *next += 1;
        *next
    }
}

#[test]
fn the_number_of_partitions_stays() {
    let folder = tempfile::tempdir().unwrap();
    EmbeddedLog::open(folder.path(), 4).unwrap();
    let refused = EmbeddedLog::open(folder.path(), 2).err().unwrap().to_string();
    assert!(refused.contains("made with 4 partitions, which cannot be changed to 2"), "{refused}");
    assert_eq!(EmbeddedLog::open(folder.path(), 4).unwrap().partitions(), 4);
    for impossible in [0, MAX_PARTITIONS + 1] {
        assert!(EmbeddedLog::open(folder.path(), impossible).is_err());
    }
}

#[test]
fn a_log_of_a_later_format_is_left_alone() {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    log.db.put(format::LAYOUT, (u64::from(format::FORMAT + 1) << 32 | 1).to_be_bytes()).unwrap();
    drop(log);
    let refused = disk.open().err().unwrap().to_string();
    assert!(refused.contains("format 2"), "{refused}");
}

#[test]
fn a_second_opener_is_told_that_it_is_in_use() {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    let refused = disk.open().err().unwrap().to_string();
    assert!(refused.contains("in use"), "{refused}");
    append(&log, [0]);
}

#[test]
fn a_tool_reads_beside_the_server() {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    append(&log, 0..10);
    let tool = ReadOnlyLog::open(disk.path()).unwrap();
    assert_eq!(readable(&tool), (10, None));
    assert!(tool.append(0, vec![record(10)]).is_err() && tool.trim(0, 5).is_err());

    append(&log, 10..20);
    assert_eq!(tool.wait(0, 10, Duration::from_secs(60)).unwrap(), 20);
    assert_eq!(readable(&tool), (20, None));

    log.db.flush().unwrap();
    append(&log, 20..30);
    assert_eq!(tool.bounds(0).unwrap().high_watermark, 30);
    assert_eq!(readable(&tool), (30, None));

    log.trim(0, 5).unwrap();
    assert_eq!(tool.bounds(0).unwrap(), Bounds { first: 5, high_watermark: 30 });
    assert!(matches!(tool.read(0, 4, ALL), Err(LogError::Trimmed { first: 5, .. })));
    drop(log);
    assert_eq!(ReadOnlyLog::open(disk.path()).unwrap().bounds(0).unwrap(), Bounds { first: 5, high_watermark: 30 });
}

#[test]
fn a_tool_opens_and_follows_at_any_moment() {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stopping = Stopping(&stop);
        let writer = scope.spawn(|| {
            let mut next = 0;
            while !stop.load(Ordering::Acquire) {
                append(&log, next..next + 97);
                next += 97;
                if next % (97 * 50) == 0 {
                    log.db.flush().unwrap();
                }
            }
            next
        });
        for _ in 0..25 {
            let acknowledged = log.bounds(0).unwrap().high_watermark;
            let tool = ReadOnlyLog::open(disk.path()).unwrap();
            let more = tool.wait(0, acknowledged + 200, Duration::from_secs(60)).unwrap();
            assert!(more > acknowledged + 200);
            let (held, error) = readable(&tool);
            assert!(held >= more && error.is_none(), "{held} of {more}: {error:?}");
        }
        drop(stopping);
        writer.join().unwrap();
    });

    /// Ends the writer also when a check fails: the scope waits for it.
    struct Stopping<'a>(&'a AtomicBool);

    impl Drop for Stopping<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
}

#[test]
fn a_tool_changes_no_file() {
    let disk = Disk::new();
    append(&disk.open().unwrap(), 0..10);
    let listing = |disk: &Disk| {
        let mut files: Vec<_> = fs::read_dir(disk.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (fs::read(&path).unwrap(), path))
            .collect();
        files.sort();
        files
    };
    let before = listing(&disk);
    assert_eq!(readable(&ReadOnlyLog::open(disk.path()).unwrap()), (10, None));
    assert!(listing(&disk) == before);
    let nowhere = ReadOnlyLog::open(&disk.path().join("nowhere")).err().unwrap();
    assert!(matches!(nowhere, LogError::Open(_)));
    assert!(!disk.path().join("nowhere").exists());
}

#[test]
fn a_trim_keeps_the_record_where_it_ends_even_as_the_last_of_a_table() {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    log.db.flush().unwrap();
    append(&log, 0..=10);
    log.db.flush().unwrap();
    // A table below level 0 with these records alone: one that a trim may drop as a whole.
    log.db.compact_range(Some(format::key(0, 0)), Some(format::key(0, 10)));
    log.trim(0, 10).unwrap();
    drop(log);
    let log = disk.open().unwrap();
    assert_eq!(log.bounds(0).unwrap(), Bounds { first: 10, high_watermark: 11 });
    assert_eq!(log.read(0, 10, ALL).unwrap(), [Stored { offset: 10, record: record(10) }]);
}

#[test]
fn what_was_trimmed_takes_no_room() {
    let disk = Disk::new();
    let log = disk.open().unwrap();
    let large = |number| Record { payload: vec![number as u8; 1 << 20].into(), ..record(number) };
    for number in 0..40 {
        log.append(0, vec![large(number)]).unwrap();
    }
    log.trim(0, 39).unwrap();
    log.db.compact_range::<&[u8], &[u8]>(None, None);
    let room: u64 = disk.files("sst").iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(room < 1 << 20, "{room} bytes");
    assert_eq!(log.read(0, 39, ALL).unwrap()[0].record, large(39));
}
