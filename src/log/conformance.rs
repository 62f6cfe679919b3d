//! The suite that every provider of a log passes: each point of the promise in [`super`], as a test.
//!
//! It asks for no more than the promise says: offsets follow on one another, but may begin at any number.

use std::{
    collections::HashMap,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{Log, LogError, MAX_BATCH_BYTES, ReadLimit, Record, Stored};

/// Longer than anything that a test waits for; a test that passes never waits that long.
const PATIENCE: Duration = Duration::from_secs(60);
const ALL: ReadLimit = ReadLimit { records: usize::MAX, bytes: usize::MAX };

type Test = fn(&dyn Log);
type Reopen<'a> = Box<dyn Fn(Box<dyn Log>) -> Box<dyn Log> + 'a>;

/// How the suite gets its logs.
pub struct Provider<'a> {
    make: Box<dyn Fn(u32) -> Box<dyn Log> + 'a>,
    reopen: Option<Reopen<'a>>,
}

impl<'a> Provider<'a> {
    /// A provider whose records go with it. `make` gives a new, empty log with so many partitions.
    pub fn volatile(make: impl Fn(u32) -> Box<dyn Log> + 'a) -> Self {
        Self { make: Box::new(make), reopen: None }
    }

    /// A provider whose records stay. `reopen` ends the use of a log and opens the same one again.
    pub fn durable(
        make: impl Fn(u32) -> Box<dyn Log> + 'a,
        reopen: impl Fn(Box<dyn Log>) -> Box<dyn Log> + 'a,
    ) -> Self {
        Self { make: Box::new(make), reopen: Some(Box::new(reopen)) }
    }
}

/// Runs every test on fresh logs.
///
/// # Panics
/// If the provider breaks the promise.
pub fn suite(provider: &Provider<'_>) {
    let tests: [(&str, Test); 10] = [
        ("an empty log has equal bounds", empty),
        ("what is appended is read", appended_is_read),
        ("a read obeys its limit", limits),
        ("partitions are apart", partitions_are_apart),
        ("an unknown partition is refused", no_partition),
        ("too large a batch is refused whole", too_large),
        ("appenders at once keep their batches together and in order", appenders_at_once),
        ("readers see a growing prefix", readers_see_a_prefix),
        ("waiting ends", waiting_ends),
        ("trim forgets only what it may", trimming),
    ];
    for (name, test) in tests {
        eprintln!("log conformance: {name}");
        test(&*(provider.make)(3));
    }
    if let Some(reopen) = &provider.reopen {
        eprintln!("log conformance: records stay");
        records_stay((provider.make)(3), reopen);
    }
}

/// A record that can be told from others by its number.
pub fn record(number: u64) -> Record {
    Record {
        key: Bytes::from(format!("key {}", number % 7)),
        time: 1_700_000_000_000 + number,
        header: Bytes::from(number.to_be_bytes().to_vec()),
        payload: Bytes::from(vec![number as u8; (number % 300) as usize]),
    }
}

fn end(log: &dyn Log, partition: u32) -> u64 {
    log.bounds(partition).expect("bounds").high_watermark
}

/// Reads from `from` until nothing more comes, however little a read returns, and checks the order.
fn read_all(log: &dyn Log, partition: u32, from: u64) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let next = from + all.len() as u64;
        let some = log.read(partition, next, ALL).expect("a readable log");
        if some.is_empty() {
            return all;
        }
        for (stored, offset) in some.into_iter().zip(next..) {
            assert_eq!(stored.offset, offset, "offsets follow on one another");
            all.push(stored);
        }
    }
}

fn numbered(log: &dyn Log, partition: u32, from: u64, numbers: impl IntoIterator<Item = u64>) {
    let records: Vec<Record> = read_all(log, partition, from).into_iter().map(|stored| stored.record).collect();
    let expected: Vec<Record> = numbers.into_iter().map(record).collect();
    assert!(records == expected, "partition {partition} from {from}: {records:?}");
}

fn append(log: &dyn Log, partition: u32, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    log.append(partition, numbers.into_iter().map(record).collect()).expect("a working log")
}

fn empty(log: &dyn Log) {
    assert_eq!(log.partitions(), 3);
    for partition in 0..3 {
        let bounds = log.bounds(partition).expect("bounds");
        assert_eq!(bounds.first, bounds.high_watermark);
        assert_eq!(log.read(partition, bounds.first, ALL).expect("an empty read"), []);
        assert!(append(log, partition, []).is_empty(), "an empty batch is no record");
        assert_eq!(log.bounds(partition).expect("bounds"), bounds);
    }
}

fn appended_is_read(log: &dyn Log) {
    let start = end(log, 0);
    assert_eq!(append(log, 0, [0]), [start]);
    assert_eq!(end(log, 0), start + 1, "an append that returned is below the high watermark");
    assert_eq!(append(log, 0, 1..4), [start + 1, start + 2, start + 3]);
    numbered(log, 0, start, 0..4);
    numbered(log, 0, start + 2, 2..4);
    assert_eq!(log.read(0, start + 4, ALL).expect("a read at the end"), []);
    assert_eq!(log.read(0, start + 9, ALL).expect("a read beyond the end"), []);
    let bare = Record { key: Bytes::new(), time: 0, header: Bytes::new(), payload: Bytes::new() };
    log.append(0, vec![bare.clone()]).expect("a record without any byte");
    assert_eq!(read_all(log, 0, start + 4)[0].record, bare);
}

fn limits(log: &dyn Log) {
    let start = append(log, 0, 0..100)[0];
    for from in [0, 41, 99] {
        for (records, bytes) in [(1, usize::MAX), (7, usize::MAX), (usize::MAX, 700), (0, 0), (usize::MAX, usize::MAX)]
        {
            let some = log.read(0, start + from, ReadLimit { records, bytes }).expect("a read");
            assert!(!some.is_empty(), "the first record always comes");
            assert!(some.len() <= records.max(1));
            let size: usize = some.iter().map(|stored| stored.record.size()).sum();
            assert!(size <= bytes || some.len() == 1, "{size} bytes, {bytes} allowed");
            for (stored, number) in some.iter().zip(from..) {
                assert_eq!((stored.offset, &stored.record), (start + number, &record(number)));
            }
        }
    }
}

fn partitions_are_apart(log: &dyn Log) {
    let starts = [0, 1, 2].map(|partition| end(log, partition));
    append(log, 2, [20]);
    append(log, 0, [1, 2, 3]);
    append(log, 2, [21, 22]);
    numbered(log, 0, starts[0], [1, 2, 3]);
    numbered(log, 1, starts[1], []);
    numbered(log, 2, starts[2], [20, 21, 22]);
}

fn no_partition(log: &dyn Log) {
    let refused = LogError::NoPartition(3);
    assert_eq!(log.append(3, vec![record(0)]).expect_err("append"), refused);
    assert_eq!(log.read(3, 0, ALL).expect_err("read"), refused);
    assert_eq!(log.wait(3, 0, Duration::ZERO).expect_err("wait"), refused);
    assert_eq!(log.trim(3, 0).expect_err("trim"), refused);
    assert_eq!(log.bounds(3).expect_err("bounds"), refused);
    log.wake(3);
}

fn too_large(log: &dyn Log) {
    let start = end(log, 0);
    let large = Record { payload: vec![7; MAX_BATCH_BYTES / 2].into(), ..record(0) };
    let refused = log.append(0, vec![record(0), large.clone(), large]).expect_err("too large");
    assert!(matches!(refused, LogError::TooLarge { .. }) && !refused.retry(), "{refused}");
    append(log, 0, [1]);
    numbered(log, 0, start, [1]);
}

fn appenders_at_once(log: &dyn Log) {
    const APPENDERS: u64 = 8;
    const BATCHES: u64 = 60;
    let starts = [0, 1].map(|partition| end(log, partition));
    let barrier = Barrier::new(APPENDERS as usize);
    thread::scope(|scope| {
        for appender in 0..APPENDERS {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                let mut last = None;
                for batch in 0..BATCHES {
                    let number = appender * 1_000_000 + batch * 1_000;
                    let offsets = append(log, (appender % 2) as u32, number..number + 1 + batch % 5);
                    assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]), "{offsets:?} ascend");
                    assert!(Some(offsets[0]) > last, "a later append comes later");
                    last = offsets.last().copied();
                }
            });
        }
    });
    for (partition, start) in (0..2).zip(starts) {
        let mut next = HashMap::new();
        for stored in read_all(log, partition, start) {
            let number = u64::from_be_bytes(stored.record.header[..].try_into().expect("eight bytes"));
            let (appender, batch, at) = (number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
            let expected = next.insert(appender, following(batch, at)).unwrap_or((0, 0));
            assert_eq!((batch, at), expected, "appender {appender}: each record once, in order");
        }
        assert_eq!(next.len(), 4);
        assert!(next.values().all(|next| *next == (BATCHES, 0)), "{next:?}");
    }

    fn following(batch: u64, at: u64) -> (u64, u64) {
        if at == batch % 5 { (batch + 1, 0) } else { (batch, at + 1) }
    }
}

fn readers_see_a_prefix(log: &dyn Log) {
    let start = end(log, 1);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = || {
            let mut next = start;
            while !done.load(Ordering::Acquire) || next < end(log, 1) {
                let (before, mark) = (next, log.wait(1, next, Duration::from_millis(1)).expect("wait"));
                for stored in log.read(1, next, ReadLimit { records: 50, bytes: 1 << 20 }).expect("read") {
                    assert_eq!(stored, Stored { offset: next, record: record(next - start) });
                    next += 1;
                }
                assert!(mark <= before || next > before, "a record below the high watermark is there");
            }
            next
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for batch in 0..200 {
            append(log, 1, batch * 10..batch * 10 + 10);
        }
        done.store(true, Ordering::Release);
        for reader in readers {
            assert_eq!(reader.join().expect("a reader that holds"), start + 2_000);
        }
    });
}

/// Waits with a time that is far too long, so that something else has to end the wait.
fn wait(log: &dyn Log, partition: u32, from: u64) -> u64 {
    let began = Instant::now();
    let mark = log.wait(partition, from, PATIENCE).expect("wait");
    assert!(began.elapsed() < PATIENCE, "a wait in partition {partition} from {from} lasted as long as it might");
    mark
}

fn waiting_ends(log: &dyn Log) {
    const ROUNDS: u64 = 20;
    let start = append(log, 0, [0])[0];
    assert_eq!(wait(log, 0, start), start + 1, "at once if there is something");
    assert_eq!(log.wait(0, start + 1, Duration::ZERO).expect("wait"), start + 1, "when the time is up");
    // Each appends what the other one waits for, so that in nearly every round somebody waits already.
    let (calls, answers) = (end(log, 0), end(log, 1));
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                assert_eq!(wait(log, 0, calls + round), calls + round + 1, "when a record comes");
                append(log, 1, [round]);
            }
        });
        for round in 0..ROUNDS {
            append(log, 0, [round]);
            assert_eq!(wait(log, 1, answers + round), answers + round + 1, "when a record comes");
        }
    });
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait(log, 0, calls + ROUNDS));
        // The waiter may not wait yet, and a wake holds only for those who do: so wake until it has gone.
        while !waiter.is_finished() {
            log.wake(0);
            thread::yield_now();
        }
    });
}

fn trimming(log: &dyn Log) {
    let start = append(log, 0, 0..50)[0];
    append(log, 1, 0..5);
    log.trim(0, start + 20).expect("trim");
    let first = log.bounds(0).expect("bounds").first;
    assert!((start..=start + 20).contains(&first), "never less than asked is kept: {first}");
    numbered(log, 0, start + 20, 20..50);
    if first > start {
        let trimmed = LogError::Trimmed { partition: 0, wanted: start, first };
        assert_eq!(log.read(0, start, ALL).expect_err("a trimmed offset"), trimmed);
    }
    log.trim(0, start + 10).expect("a trim below an earlier one");
    assert!(log.bounds(0).expect("bounds").first >= first, "the beginning never goes back");

    log.trim(0, u64::MAX).expect("a trim beyond the end");
    assert_eq!(end(log, 0), start + 50, "the end stays");
    assert_eq!(append(log, 0, [50]), [start + 50], "no offset is given twice");
    numbered(log, 0, start + 50, [50]);
    assert_eq!(end(log, 1), log.bounds(1).expect("bounds").first + 5, "other partitions keep theirs");
}

fn records_stay(mut log: Box<dyn Log>, reopen: &Reopen<'_>) {
    let start = end(&*log, 0);
    for round in 0..4 {
        append(&*log, 0, round * 10..round * 10 + 10);
        append(&*log, 2, [round]);
        let bounds = [0, 1, 2].map(|partition| log.bounds(partition).expect("bounds"));
        log = reopen(log);
        assert_eq!([0, 1, 2].map(|partition| log.bounds(partition).expect("bounds")), bounds);
        numbered(&*log, 0, start, 0..round * 10 + 10);
        numbered(&*log, 2, bounds[2].first, 0..=round);
    }
    log.trim(0, u64::MAX).expect("trim");
    log.trim(2, log.bounds(2).expect("bounds").first + 1).expect("trim");
    let bounds = [0, 2].map(|partition| log.bounds(partition).expect("bounds"));
    log = reopen(log);
    assert_eq!([0, 2].map(|partition| log.bounds(partition).expect("bounds")), bounds, "a trim stays");
    assert_eq!(append(&*log, 0, [40]), [start + 40], "no offset is given twice");
}
