//! K1: acked sends a second through the engine on Kafka, against the broker's own producer benchmark: the same broker, the
//! same acks, messages of the same size, one partition each.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use duolog::cloud_events::CLOUD_EVENTS;
use duolog::engine::Engine;
use duolog::log::kafka::KafkaSettings;
use duolog::log::{KafkaLog, Log, ReadLimit, Record};
use duolog::{pages, turns};
use duolog_test_broker::Brokers;
use tokio::runtime::Runtime;

use crate::report::{Figure, Goal, Report};
use crate::spread::Spread;
use crate::{folding, history, load, scratch};

const STORED: u64 = 10_000;
/// An ack takes a broker milliseconds: as many senders as keep both sides busy.
const IN_FLIGHT: usize = 2_048;
const WARM_UP: u64 = 40_000;
const SENDS: u64 = 120_000;
const ROUNDS: u64 = 3;

pub fn measure(report: &mut Report) -> Result<()> {
    if !Brokers::available() {
        println!("K1 is left out: there is no Kafka here; scripts/setup.sh test fetches it");
        return Ok(());
    }
    let brokers = as_usual(Brokers::for_measuring);
    let folder = scratch()?;
    let log = Arc::new(KafkaLog::open(settings(&brokers))?);
    let (prepared, bytes) = prepare(folder.path(), &log)?;
    // A broker compiles itself while it is young: both sides meet one that is not.
    producer_performance(&brokers, bytes)?;
    let engine = engine(folder.path(), &log, prepared)?;
    let peer = peer(&brokers, bytes)?;
    report.add(Figure {
        name: "K1",
        what: format!("acked sends through the engine on Kafka, {IN_FLIGHT} in flight, {STORED} stored"),
        measured: engine.to_string(),
        against: format!("the broker's own ProducerPerformance, acks=all, {bytes} bytes a message: {peer}"),
        ratio: engine.median() / peer.median(),
        goal: Goal::Share { goal: 0.7, at_least: 0.4 },
    });
    Ok(())
}

fn settings(brokers: &Brokers) -> KafkaSettings {
    KafkaSettings {
        brokers: brokers.addresses(),
        topic_prefix: Brokers::topic_prefix(),
        partitions: 1,
        replication: 1,
        properties: Default::default(),
        headers: CLOUD_EVENTS,
    }
}

/// Puts the usual history on Kafka; how many messages it has, and the bytes of one on Kafka.
fn prepare(folder: &std::path::Path, log: &KafkaLog) -> Result<(u64, usize)> {
    let history = history::log(&folder.join("log"), STORED)?;
    let end = history.bounds(0)?.high_watermark;
    let (mut next, mut bytes) = (0, 0);
    while next < end {
        let read = history.read(0, next, ReadLimit { records: 1_024, bytes: 1 << 20 })?;
        let records: Vec<Record> = read.into_iter().map(|stored| stored.record).collect();
        next += records.len() as u64;
        // The newest are messages like those that are sent next.
        bytes = records.last().map_or(Ok(bytes), on_kafka)?;
        log.append(0, records)?;
    }
    Ok((STORED, bytes))
}

fn on_kafka(record: &Record) -> Result<usize> {
    let headers = (CLOUD_EVENTS.encode)(record).map_err(anyhow::Error::msg)?;
    let headers: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    Ok(record.key.len() + record.payload.len() + headers)
}

fn engine(folder: &std::path::Path, log: &Arc<KafkaLog>, stored: u64) -> Result<Spread> {
    let runtime = Runtime::new()?;
    let engine = Engine::open(folding::parts(log.clone(), &folder.join("state"))?, |_, _, _| {})?;
    load::closed_loop(&runtime, &engine, stored..stored + WARM_UP, IN_FLIGHT)?;
    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        let first = stored + WARM_UP + round * SENDS;
        let taken = load::closed_loop(&runtime, &engine, first..first + SENDS, IN_FLIGHT)?;
        rates.push(SENDS as f64 / taken.as_secs_f64());
    }
    engine.stop();
    Ok(Spread::new(rates))
}

/// The broker's own benchmark, on a topic like ours.
fn peer(brokers: &Brokers, bytes: usize) -> Result<Spread> {
    let rates = (0..ROUNDS).map(|_| producer_performance(brokers, bytes)).collect::<Result<_>>()?;
    Ok(Spread::new(rates))
}

/// One run of it; records a second.
fn producer_performance(brokers: &Brokers, bytes: usize) -> Result<f64> {
    let settings = settings(brokers);
    drop(KafkaLog::open(settings.clone())?);
    let mut tool = Brokers::tool("org.apache.kafka.tools.ProducerPerformance");
    tool.args(["--topic", &settings.events(), "--throughput", "-1"])
        .args(["--num-records", &(4 * SENDS).to_string(), "--record-size", &bytes.to_string()])
        .args(["--producer-props", &format!("bootstrap.servers={}", settings.brokers), "acks=all"]);
    let output = as_usual(|| tool.output())?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    rate(&said).with_context(|| format!("no rate in {said}"))
}

/// Starts a process to which the kernel gives memory and turns as to any other: it knows best itself.
fn as_usual<T>(start: impl FnOnce() -> T) -> T {
    pages::allow_huge();
    turns::allow_long();
    let started = start();
    turns::keep_short();
    pages::keep_small();
    started
}

/// `480000 records sent, 186046.5 records/sec (...)`, the last line of that kind.
fn rate(said: &str) -> Option<f64> {
    let line = said.lines().rev().find(|line| line.contains("records/sec"))?;
    line.split(", ").find_map(|part| part.split_once(" records/sec"))?.0.trim().parse().ok()
}
