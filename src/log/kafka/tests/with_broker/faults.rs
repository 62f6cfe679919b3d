use std::time::{Duration, Instant};

use bytes::Bytes;
use duolog_test_broker::Brokers;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::{fresh, open};
use crate::log::conformance::record;
use crate::log::kafka::{KafkaLog, KafkaSettings};
use crate::log::{Log, LogError, ReadLimit, Stored};

const ALL: ReadLimit = ReadLimit { records: usize::MAX, bytes: usize::MAX };
const PATIENCE: Duration = Duration::from_secs(60);

fn read_all(log: &KafkaLog, from: u64) -> Vec<Stored> {
    let end = log.bounds(0).unwrap().high_watermark;
    let mut all: Vec<Stored> = Vec::new();
    while from + (all.len() as u64) < end {
        all.extend(log.read(0, from + all.len() as u64, ALL).unwrap());
    }
    all
}

/// A producer as another program would have one.
fn foreign(settings: &KafkaSettings, extra: &[(&str, &str)]) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.brokers);
    for (name, value) in extra {
        config.set(*name, *value);
    }
    config.create().unwrap()
}

/// Appends go on while the broker is killed and comes back: what was acked is there once, in order, at its offset; what was
/// unknown is there once or not at all; what was refused is not there.
#[test]
fn a_killed_broker_loses_no_acked_record() {
    const RECORDS: u64 = 400;
    let brokers = Brokers::start(1);
    let settings = fresh(&brokers, 1);
    let log = open(&settings);
    let mut acked = Vec::new();
    let mut unknown = Vec::new();
    std::thread::scope(|scope| {
        for number in 0..RECORDS {
            if number == RECORDS / 2 {
                brokers.kill(0);
                scope.spawn(|| brokers.restart(0));
            }
            match log.append(0, vec![record(number)]) {
                Ok(offsets) => acked.push((offsets[0], number)),
                Err(LogError::Unknown(_)) => unknown.push(number),
                Err(LogError::Busy(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
    });
    assert!(acked.len() as u64 > RECORDS / 2, "it went on after the broker came back");
    let stored = read_all(&open(&settings), 0);
    let mut written = acked.iter().map(|(_, number)| *number).collect::<Vec<_>>();
    for (offset, number) in acked {
        assert_eq!(stored[offset as usize], Stored { offset, record: record(number) });
    }
    written.extend(unknown);
    let numbers: Vec<u64> =
        stored.iter().map(|stored| u64::from_be_bytes(stored.record.header[..].try_into().unwrap())).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "each once, in order: {numbers:?}");
    assert!(numbers.iter().all(|number| written.contains(number)), "what was refused is not there");
}

/// Without a broker nothing hangs, nothing is made up, and everything works again when it is back.
#[test]
fn silence_of_the_brokers_passes() {
    let brokers = Brokers::start(1);
    let settings = fresh(&brokers, 1);
    let log = open(&settings);
    log.append(0, (0..10).map(record).collect()).unwrap();
    let reader = open(&settings);
    brokers.kill(0);

    assert_eq!(log.read(0, 0, ALL).unwrap().len(), 10, "what was appended here is here");
    assert!(matches!(reader.read(0, 0, ALL), Err(LogError::Unreachable(_))), "what is not here cannot be read");
    assert!(matches!(log.bounds(0), Err(LogError::Unreachable(_))));
    assert_eq!(log.wait(0, 10, Duration::from_millis(50)), Ok(10), "a waiter waits and hears what was known");
    let refused = log.append(0, vec![record(10)]).unwrap_err();
    assert!(matches!(refused, LogError::Busy(_) | LogError::Unknown(_)), "{refused}");
    let began = Instant::now();
    drop(log);
    assert!(began.elapsed() < PATIENCE, "closing does not wait for brokers");

    let Err(LogError::Open(why)) = KafkaLog::open(KafkaSettings {
        properties: [("socket.connection.setup.timeout.ms".to_owned(), "1000".to_owned())].into(),
        ..settings.clone()
    }) else {
        panic!("there is no broker");
    };
    assert!(why.contains("log.kafka.brokers"), "{why}");
    brokers.restart(0);
    let log = open(&settings);
    assert!(log.append(0, vec![record(11)]).unwrap()[0] >= 10);
    assert_eq!(read_all(&log, 0)[9].record, record(9));
}

#[test]
fn a_record_of_another_program_is_kept_apart() {
    let settings = fresh(Brokers::shared(), 1);
    let log = open(&settings);
    let other = foreign(&settings, &[]);
    other.send(BaseRecord::to(&settings.events()).partition(0).key("k").payload("not ours")).unwrap();
    other.flush(PATIENCE).unwrap();
    assert_eq!(log.wait(0, 0, PATIENCE), Ok(1), "a waiter hears of records that others append");
    let stored = log.read(0, 0, ALL).unwrap().remove(0);
    assert_eq!((stored.record.key, stored.record.header), (Bytes::from("k"), Bytes::new()));
    assert_eq!(log.append(0, vec![record(1)]), Ok(vec![1]));
}

/// The end mark of a transaction takes an offset and is no record: a hole, as compaction would leave.
#[test]
fn a_hole_is_damage() {
    let settings = fresh(Brokers::shared(), 1);
    let log = open(&settings);
    let other = foreign(&settings, &[("transactional.id", &settings.topic_prefix)]);
    other.init_transactions(PATIENCE).unwrap();
    other.begin_transaction().unwrap();
    other.send(BaseRecord::to(&settings.events()).partition(0).key("k").payload("not ours")).unwrap();
    other.commit_transaction(PATIENCE).unwrap();
    // The mark comes some time after the answer: when it has come, an append skips an offset.
    let mut last = 0;
    let hole = loop {
        let next = log.append(0, vec![record(last)]).unwrap()[0];
        if next > last + 1 {
            break last + 1;
        }
        last = next;
    };
    assert_eq!(log.read(0, 0, ALL).unwrap().len() as u64, hole, "what comes before it is read");
    match log.read(0, hole, ALL) {
        Err(LogError::Damaged { partition: 0, offset, what }) => {
            assert_eq!(offset, hole);
            assert!(what.contains(&(hole + 1).to_string()), "{what}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_offset_that_is_gone_is_told() {
    let settings = fresh(Brokers::shared(), 1);
    let [log, other, reader] = [(); 3].map(|()| open(&settings));
    log.append(0, (0..10).map(record).collect()).unwrap();
    assert_eq!(reader.bounds(0).unwrap().first, 0);
    other.trim(0, 6).unwrap();
    let trimmed = LogError::Trimmed { partition: 0, wanted: 2, first: 6 };
    assert_eq!(reader.read(0, 2, ALL), Err(trimmed), "also to one who had not heard of it");
    assert_eq!(reader.read(0, 6, ALL).unwrap().len(), 4);
}

#[test]
fn several_logs_append_to_one_partition() {
    const BATCHES: u64 = 40;
    let settings = fresh(Brokers::shared(), 1);
    let logs = [open(&settings), open(&settings)];
    std::thread::scope(|scope| {
        for (log, writer) in logs.iter().zip(0..) {
            scope.spawn(move || {
                for batch in 0..BATCHES {
                    let first = writer * 1_000_000 + batch * 10;
                    log.append(0, (first..first + 5).map(record).collect()).unwrap();
                }
            });
        }
    });
    for log in [&logs[0], &logs[1], &open(&settings)] {
        let stored = read_all(log, 0);
        for writer in 0..2 {
            let of_writer = |number: &u64| number / 1_000_000 == writer;
            let numbers = stored.iter().map(|stored| u64::from_be_bytes(stored.record.header[..].try_into().unwrap()));
            let expected = (0..BATCHES).flat_map(|batch| (0..5).map(move |at| writer * 1_000_000 + batch * 10 + at));
            assert!(numbers.filter(of_writer).eq(expected), "each record once, in the order of its writer");
        }
    }
}

#[test]
fn after_a_fatal_error_nothing_is_appended_until_it_is_opened_again() {
    let settings = fresh(Brokers::shared(), 1);
    let log = open(&settings);
    log.append(0, vec![record(0)]).unwrap();
    log.clients().producer.as_ref().unwrap().fail_for_good();
    for _ in 0..2 {
        assert!(matches!(log.append(0, vec![record(1)]), Err(LogError::Poisoned(_))));
    }
    assert_eq!(log.read(0, 0, ALL).unwrap().len(), 1, "reading goes on");
    drop(log);
    assert_eq!(open(&settings).append(0, vec![record(1)]), Ok(vec![1]));
}
